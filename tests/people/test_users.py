"""Users and groups."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from assistant import record
from assistant.calling import approvals
from assistant.errors import (
    LastAdministrator,
    NameUnusable,
    PasswordUnusable,
    UnknownGroup,
    UserNameTaken,
    WrongPassword,
)
from assistant.orchestration.session import Pending
from assistant.people import credentials, groups, passwords, users
from assistant.people.users import User
from assistant.record import TurnRecord
from assistant.secret_file import Secrets
from assistant.types import Answer, Caller, Route, Turn, TurnOptions
from knowledge.types import Scope

PASSWORD = "correct horse battery"


def test_it_stores_no_password(engine: Engine, admin: User) -> None:
    with engine.connect() as connection:
        row = str(connection.execute(text("SELECT * FROM users")).one())
    assert "argon2id" in row and PASSWORD not in row


@pytest.mark.parametrize("name", ["ann", "ANN", " Ann ", "\uff21nn"])
def test_it_takes_names_that_look_the_same_for_the_same(engine: Engine, admin: User, name: str) -> None:
    with pytest.raises(UserNameTaken):
        users.add(engine, name, PASSWORD, False, [], 10)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x00b", "a\nb", "a\u202eb", "\ud800"])
def test_it_refuses_names_that_cannot_be_shown(engine: Engine, name: str) -> None:
    with pytest.raises(NameUnusable):
        users.add(engine, name, PASSWORD, False, [], 10)


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 257, "aaaaaaaaaaaa", "Password123", "1234567890", "Hieronymus"]
)
def test_it_refuses_weak_passwords(engine: Engine, password: str) -> None:
    with pytest.raises(PasswordUnusable):
        users.add(engine, "hieronymus", password, False, [], 10)


@pytest.mark.parametrize(
    "password", ["päßwörter sind gut", "🐎🔋 horse battery", "a\x00b and more of it", "tab\there and there"]
)
def test_it_takes_any_characters_in_a_password(password: str) -> None:
    hashed = passwords.hashed(passwords.checked(password, "ann", 10))
    assert passwords.matches(password, hashed) and not passwords.matches(password + " ", hashed)


def test_nobody_matches_any_password() -> None:
    assert not passwords.matches("nobody has this password", None)
    assert not passwords.matches("x" * 1_000_000, None)


def test_it_keeps_at_least_one_active_administrator(engine: Engine, admin: User, ben: User) -> None:
    for change in ({"active": False}, {"is_admin": False}):
        with pytest.raises(LastAdministrator):
            users.change(engine, admin.id, **change, min_password_chars=10)  # type: ignore[arg-type]
    with pytest.raises(LastAdministrator):
        users.remove(engine, admin.id)
    users.change(engine, ben.id, is_admin=True, min_password_chars=10)
    assert users.remove(engine, admin.id) == []
    assert [user.name for user in users.everybody(engine)] == ["Ben"]


def test_it_leaves_nothing_of_what_a_removed_person_asked_outside_a_chat(
    engine: Engine, admin: User, ben: User
) -> None:
    answer = Answer("25 days.", (), False, True, False, Route("m", None, "fallback", "grounded_answer"))
    for user in (admin, ben):
        asked = Turn(user.id, "How many days?", (), Caller(user.id, user.name, Scope(frozenset())), TurnOptions())
        assert record.append(engine, TurnRecord(asked, asked.question, (), "p@1", 1, False, answer, 1.0))
        approvals.park(engine, asked, None, [Pending("c1", "mail", {"to": "x@y"}, "d", tainted=False)], {}, 1.0)
    assert users.remove(engine, ben.id) == []
    assert [one.owner_id for one in record.read(engine)] == [admin.id]
    assert approvals.page(engine, ben.id) == [] and len(approvals.page(engine, admin.id)) == 1


def test_it_knows_groups_only_once_they_are_made(engine: Engine, ben: User) -> None:
    with pytest.raises(UnknownGroup):
        users.change(engine, ben.id, group_names=["hr"], min_password_chars=10)
    groups.add(engine, "hr")
    changed = users.change(engine, ben.id, group_names=["hr", "hr"], min_password_chars=10)
    assert changed is not None and changed.groups == ("hr",)
    assert groups.everything(engine) == [groups.Group("hr", 1)]
    with pytest.raises(UserNameTaken):
        groups.add(engine, "hr")


def test_deleting_a_group_takes_its_members_out(engine: Engine, ben: User) -> None:
    groups.add(engine, "hr")
    users.change(engine, ben.id, group_names=["hr"], min_password_chars=10)
    assert groups.remove(engine, "hr") and not groups.remove(engine, "hr")
    found = users.get(engine, ben.id)
    assert found is not None and found.groups == ()


def test_a_new_password_ends_all_sessions_and_keys(engine: Engine, secrets: Secrets, ben: User) -> None:
    session = credentials.open_session(engine, secrets, ben.id, 1)
    _, key = credentials.add_key(engine, secrets, ben.id, "script")
    with pytest.raises(WrongPassword):
        users.change_own_password(engine, ben.id, "not the old one", "another good one", 10)
    assert credentials.authenticate(engine, secrets, session)
    users.change_own_password(engine, ben.id, PASSWORD, "another good one", 10)
    assert credentials.authenticate(engine, secrets, session) is None
    assert credentials.authenticate(engine, secrets, key) is None


def test_what_is_not_there_cannot_be_changed(engine: Engine) -> None:
    assert users.change(engine, "nobody", active=True, min_password_chars=10) is None
    assert users.remove(engine, "nobody") is None and users.get(engine, "nobody") is None
