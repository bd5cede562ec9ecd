"""What is remembered of rights: for as long as nothing changed, and not a moment longer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, event

from knowledge import access, changes, chunks, collections, documents, rights
from knowledge.database import reading
from knowledge.rights import Rights
from knowledge.types import Collection, Scope
from tests.knowledge.building import ADMIN, Store, chunks_of, scope

ANN, BOB = scope("user:ann"), scope("user:bob")


def asked(engine: Engine) -> list[str]:
    """Return a list to which every statement that looks up rights is added from now on."""
    statements: list[str] = []

    @event.listens_for(engine, "after_cursor_execute")
    def notice(*arguments: object) -> None:
        if "_readers" in str(arguments[2]):
            statements.append(str(arguments[2]))

    return statements


def allowed(engine: Engine, known: Rights, caller: Scope, rows: set[int]) -> set[int]:
    """Return what `known` says of `rows` now."""
    with reading(engine) as connection:
        return known.allowed_rows(connection, changes.latest(connection), caller, None, rows)


def test_asks_once_for_what_did_not_change(engine: Engine, everyone: Collection, store: Store) -> None:
    rows = {chunk.row for chunk in chunks_of(engine, store(everyone, "a.md", ["one", "two", "three"]))}
    known, statements = Rights(), asked(engine)
    assert allowed(engine, known, ANN, rows) == allowed(engine, known, ANN, rows) == rows
    assert allowed(engine, known, ANN, {min(rows), 999}) == {min(rows)}
    assert len(statements) == 2  # of all rows, then of 999 alone


def test_keeps_callers_apart(engine: Engine, everyone: Collection, store: Store) -> None:
    document = store(everyone, "a.md", ["one"], readers=["user:ann"])
    rows = {chunks_of(engine, document)[0].row}
    known = Rights()
    assert [allowed(engine, known, caller, rows) for caller in (ANN, BOB, ADMIN, ANN, BOB)] == [
        rows, set(), rows, rows, set(),
    ]  # fmt: skip


@pytest.mark.parametrize("wanted", [frozenset[str](), None])
def test_keeps_collections_apart(
    engine: Engine, everyone: Collection, store: Store, wanted: frozenset[str] | None
) -> None:
    rows = {chunks_of(engine, store(everyone, "a.md", ["one"]))[0].row}
    known = Rights()
    with reading(engine) as connection:
        latest = changes.latest(connection)
        for ids in (frozenset({everyone.id}), wanted, frozenset({everyone.id})):
            expected = access.allowed_rows(connection, ANN, ids, rows)
            assert known.allowed_rows(connection, latest, ANN, ids, rows) == expected


CHANGES: dict[str, Callable[[Engine, Collection, str, str], object]] = {
    "readers of the document": lambda engine, _, document, __: documents.set_readers(
        engine, ADMIN, document, ["user:bob"]
    ),
    "readers of the collection": lambda engine, place, _, __: collections.update(
        engine, ADMIN, place.id, readers=["user:bob"]
    ),
    "a switched-off chunk": lambda engine, _, __, chunk: chunks.set_enabled(engine, ADMIN, chunk, False),
    "a deleted document": lambda engine, _, document, __: documents.delete(engine, ADMIN, document),
    "a deleted collection": lambda engine, place, _, __: collections.delete(engine, ADMIN, place.id),
}


@pytest.mark.parametrize("change", CHANGES)
def test_forgets_at_once_when_something_is_taken_away(
    engine: Engine, everyone: Collection, store: Store, change: str
) -> None:
    document = store(everyone, "a.md", ["one"])
    (chunk,) = chunks_of(engine, document)
    known = Rights()
    assert allowed(engine, known, ANN, {chunk.row}) == {chunk.row}
    CHANGES[change](engine, everyone, document.id, chunk.id)
    assert allowed(engine, known, ANN, {chunk.row}) == set()


def test_forgets_at_once_when_something_is_given(engine: Engine, everyone: Collection, store: Store) -> None:
    document = store(everyone, "a.md", ["one"], readers=["user:bob"])
    rows = {chunks_of(engine, document)[0].row}
    known = Rights()
    assert allowed(engine, known, ANN, rows) == set()
    documents.set_readers(engine, ADMIN, document.id, [])
    assert allowed(engine, known, ANN, rows) == rows


def test_takes_nothing_from_a_transaction_that_sees_an_older_state(
    engine: Engine, everyone: Collection, store: Store
) -> None:
    document = store(everyone, "a.md", ["one"])
    rows = {chunks_of(engine, document)[0].row}
    known = Rights()
    with reading(engine) as old:
        before = changes.latest(old)
        documents.set_readers(engine, ADMIN, document.id, ["user:bob"])
        assert allowed(engine, known, ANN, rows) == set()
        assert known.allowed_rows(old, before, ANN, None, rows) == rows  # what this transaction sees
    assert allowed(engine, known, ANN, rows) == set()


def test_keeps_no_more_than_it_may(
    engine: Engine, everyone: Collection, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [chunk.row for chunk in chunks_of(engine, store(everyone, "a.md", [f"text {n}" for n in range(9)]))]
    monkeypatch.setattr(rights, "_MOST", 4)
    known, statements = Rights(), asked(engine)
    for _ in range(2):
        for start in range(0, 9, 3):
            some = set(rows[start : start + 3])
            assert allowed(engine, known, ANN, some) == some
    assert len(statements) == 6  # all of them again, as each three made the ones before forgotten


def test_remembers_the_names_of_collections_until_one_changes(engine: Engine, everyone: Collection) -> None:
    known, statements = Rights(), asked(engine)

    def names() -> list[str]:
        with reading(engine) as connection:
            return sorted(known.names(connection, changes.latest(connection), ANN, None).values())

    assert names() == names() == ["Handbook"] and len(statements) == 1
    collections.update(engine, ADMIN, everyone.id, name="Guide")
    assert names() == ["Guide"]
    collections.update(engine, ADMIN, everyone.id, readers=["user:bob"])
    assert names() == []
