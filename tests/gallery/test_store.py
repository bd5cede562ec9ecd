"""Assistants in SQL: used by their owners and readers, changed by their owners, withdrawn by administrators."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, insert

from assistant import conversations
from assistant.gallery import companion, store
from assistant.gallery.errors import AssistantNameTaken, AssistantUnusable, NotYourAssistant
from assistant.gallery.setup import Setup
from assistant.gallery.store import Draft
from assistant.people import users
from assistant.people.tables import users as table
from assistant.types import Caller
from knowledge.errors import InvalidValue
from knowledge.types import Scope

ANN = Caller("ann", "Ann", Scope(frozenset({"everyone", "user:ann"}), sees_all=True), is_admin=True)
BEN = Caller("ben", "Ben", Scope(frozenset({"everyone", "user:ben", "group:hr"})))
EVE = Caller("eve", "Eve", Scope(frozenset({"everyone", "user:eve"})))


@pytest.fixture(autouse=True)
def people(engine: Engine) -> None:
    with engine.begin() as connection:
        for name in ("Ann", "Ben", "Eve"):
            row = {"id": name.lower(), "name": name, "name_key": name.lower(), "password_hash": "", "active": True}
            connection.execute(insert(table), {**row, "is_admin": name == "Ann", "created_at": 0.0, "updated_at": 0.0})


def write(engine: Engine, caller: Caller = BEN, *readers: str, name: str = "Legal", **setup: object) -> store.Assistant:
    return store.add(engine, caller, Draft(name, Setup.model_validate(setup), frozenset(readers)))


def test_it_is_there_for_its_owner_and_its_readers_alone(engine: Engine) -> None:
    private, shared = write(engine), write(engine, BEN, "group:hr", name="Leave")
    for one, caller, there in (
        (private, BEN, True), (private, EVE, False), (private, ANN, False),
        (shared, BEN, True), (shared, EVE, False), (shared, ANN, True),
    ):  # fmt: skip
        assert (store.find(engine, caller, one.id) is not None) == there
        assert (one.id in {each.id for each in store.listed(engine, caller)}) == there
    store.change(engine, BEN, shared.id, Draft("Leave", shared.setup, frozenset({"user:eve"})))
    assert store.find(engine, EVE, shared.id) is not None


def test_only_its_owner_changes_it_and_administrators_delete_what_is_shared(engine: Engine) -> None:
    one = write(engine, BEN, "everyone")
    for stranger in (EVE, ANN):
        with pytest.raises(NotYourAssistant, match="duplicate"):
            store.change(engine, stranger, one.id, Draft("Mine", Setup()))
    with pytest.raises(NotYourAssistant):
        store.remove(engine, EVE, one.id)
    private = write(engine, name="Private")
    assert store.change(engine, EVE, private.id, Draft("Mine", Setup())) is None
    assert not store.remove(engine, ANN, private.id) and not store.remove(engine, EVE, private.id)
    assert store.remove(engine, ANN, one.id) and store.find(engine, BEN, one.id) is None


def test_one_that_is_withdrawn_is_left_to_its_owner(engine: Engine) -> None:
    one = write(engine, BEN, "everyone")
    assert store.withdraw(engine, ANN, one.id, True) is not None
    found = store.find(engine, BEN, one.id)
    assert store.find(engine, EVE, one.id) is None and found is not None and found.withdrawn
    store.change(engine, BEN, one.id, Draft("Legal", Setup(), frozenset({"everyone", "user:eve"})))
    assert store.find(engine, EVE, one.id) is None
    store.withdraw(engine, ANN, one.id, False)
    assert store.find(engine, EVE, one.id) is not None


def test_names_are_an_owners_own_and_the_oldest_has_the_name_as_a_model(engine: Engine) -> None:
    first = write(engine, BEN, "everyone")
    with pytest.raises(AssistantNameTaken):
        write(engine, BEN, name=" LEGAL ")
    second = write(engine, EVE, "everyone")
    assert store.models(engine, ANN) == {"assistant:Legal": first, f"assistant:{second.id}": second}
    assert store.by_model(engine, BEN, "assistant:Legal") == first
    assert store.by_model(engine, BEN, "assistant:nobody") is None
    assert store.free_name(engine, BEN, "legal") == "legal (2)" and store.free_name(engine, ANN, "Legal") == "Legal"


@pytest.mark.parametrize("reader", ["public", "all", "group:"])
def test_readers_that_are_none_are_refused(engine: Engine, reader: str) -> None:
    with pytest.raises((AssistantUnusable, InvalidValue)):
        write(engine, BEN, reader)
    assert store.listed(engine, BEN) == []


def test_it_is_found_by_words_of_its_name_and_description(engine: Engine) -> None:
    write(engine, BEN, description="Answers on contracts")
    assert len(store.listed(engine, BEN, "CONTRACTS legal")) == 1 and not store.listed(engine, BEN, "contracts tax")


def test_what_somebody_kept_to_themselves_goes_with_their_account(engine: Engine) -> None:
    owner = BEN
    write(engine, owner)
    left = write(engine, owner, "everyone", name="Leave")
    users.remove(engine, owner.user_id)
    (found,) = store.listed(engine, owner)
    assert found.id == left.id and found.owner == ""
    changed = store.change(engine, ANN, left.id, Draft("Leave", Setup(greeting="Hi"), left.readers))
    assert changed is not None and changed.setup.greeting == "Hi"


def test_a_chat_keeps_its_assistant_and_knows_what_became_of_it(engine: Engine) -> None:
    one, talk = write(engine, BEN, "user:eve"), conversations.create(engine, "eve")
    assert companion.of(engine, EVE, talk) is None
    companion.keep(engine, talk, one)
    found = companion.of(engine, EVE, talk)
    assert found is not None and (found.state, found.notice) == ("ready", None)
    assert companion.of(engine, BEN, talk) is None  # somebody else's chat
    store.change(engine, BEN, one.id, Draft("Law", one.setup, one.readers))
    found = companion.of(engine, EVE, talk)
    assert found is not None and found.state == "changed" and "'Legal' was changed" in str(found.notice)
    companion.settle(engine, talk, found)
    found = companion.of(engine, EVE, talk)
    assert found is not None and (found.name, found.state) == ("Law", "ready")
    store.change(engine, BEN, one.id, Draft("Law", one.setup, frozenset()))
    found = companion.of(engine, EVE, talk)
    assert found is not None and found.assistant is None and "'Law' was deleted or is no longer" in str(found.notice)
    assert not found.told
    companion.settle(engine, talk, found)
    found = companion.of(engine, EVE, talk)
    assert found is not None and found.told
