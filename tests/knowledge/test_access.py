"""Rights: every way to a text, for every kind of caller."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select

from knowledge import access, chunks, collections, documents, passages, tables
from knowledge.database import reading
from knowledge.errors import InvalidValue
from knowledge.indexes import Indexes
from knowledge.search import Search
from knowledge.tables import chunks as table
from knowledge.types import Collection, Document, Scope, StageScores
from tests.knowledge.building import ADMIN, Store, hold, scope

CALLERS = {
    "visitor": Scope(frozenset({"public"})),
    "ann": scope("user:ann", "group:hr"),
    "bob": scope("user:bob", "group:sales"),
    "nobody": Scope(frozenset()),
    "admin": ADMIN,
}
# (collection's readers, document's readers, conversation) -> who may read the document
MATRIX: list[tuple[list[str], list[str], str | None, set[str]]] = [
    (["public"], [], None, {"visitor", "admin"}),
    (["everyone"], [], None, {"ann", "bob", "admin"}),
    (["everyone", "public"], [], None, {"visitor", "ann", "bob", "admin"}),
    (["group:hr"], [], None, {"ann", "admin"}),
    (["user:bob"], [], None, {"bob", "admin"}),
    ([], [], None, {"admin"}),
    (["everyone"], ["user:bob"], None, {"bob", "admin"}),
    (["group:hr"], ["group:sales"], None, {"bob", "admin"}),
    ([], ["everyone"], None, {"ann", "bob", "admin"}),
    (["user:ann"], [], "c1", {"ann"}),
]


def ways(engine: Engine, document: Document, caller: Scope) -> Iterator[tuple[str, bool]]:
    """Yield each way to the document's text and whether it is open to `caller`."""
    with reading(engine) as connection:
        first = connection.execute(select(table).where(table.c.document_id == document.id)).first()
    assert first is not None
    chosen = [document.collection_id]
    yield "documents.get", documents.get(engine, caller, document.id) is not None
    yield "documents.page", documents.page(engine, caller, document.collection_id)[1] == 1
    yield "documents.counts", bool(documents.counts(engine, caller, document.collection_id))
    yield "documents.set_title", documents.set_title(engine, caller, document.id, document.title) is not None
    yield "documents.requeue", documents.requeue(engine, caller, document.id) is not None
    yield "chunks.read", bool(chunks.read(engine, caller, [first.id]))
    yield "chunks.page", chunks.page(engine, caller, document.id, 0, 9)[1] == 1
    yield "chunks.around", bool(chunks.around(engine, caller, first.id))
    yield "chunks.set_enabled", chunks.set_enabled(engine, caller, first.id, True) is not None
    with reading(engine) as connection:
        yield "access.allowed_rows", bool(access.allowed_rows(connection, caller, chosen, [first.row]))
        yield "passages.read", bool(passages.read(connection, caller, chosen, {first.row: StageScores()}))
    yield "access.all_allowed_rows", bool(access.all_allowed_rows(engine, caller, chosen, 9))
    yield "access.may_read", bool(access.may_read(engine, caller, [document.id]))
    yield "documents.set_readers", documents.set_readers(engine, caller, document.id, document.readers) is not None


@pytest.mark.parametrize(("readers", "own", "private", "allowed"), MATRIX)
def test_opens_every_way_to_a_document_to_its_readers_and_to_no_other(
    engine: Engine, store: Store, readers: list[str], own: list[str], private: str | None, allowed: set[str]
) -> None:
    document = store(collections.create(engine, "C", "", readers, private), "a.md", ["text"], own)
    for name, caller in CALLERS.items():
        for way, is_open in ways(engine, document, caller):
            assert is_open == (name in allowed), (name, way)
    for name, caller in CALLERS.items():
        assert name in allowed or not documents.delete(engine, caller, document.id)


@pytest.mark.parametrize(("readers", "allowed"), [(r, a) for r, own, private, a in MATRIX if not own and not private])
def test_shows_a_collection_to_its_readers_and_to_no_other(
    engine: Engine, readers: list[str], allowed: set[str]
) -> None:
    made = collections.create(engine, "C", "", readers)
    for name, caller in CALLERS.items():
        found = [
            collections.get(engine, caller, made.id),
            collections.get(engine, caller, "C"),
            *collections.list_readable(engine, caller)[:1],
            *list(collections.names(engine, caller, None).values())[:1],
            collections.update(engine, caller, made.id, description="changed"),
        ]
        assert [one is not None for one in found] == ([True] * 5 if name in allowed else [False] * 3), name
    for name, caller in CALLERS.items():
        assert name in allowed or not collections.delete(engine, caller, made.id)


def test_counts_only_what_the_caller_may_read(engine: Engine, everyone: Collection, store: Store) -> None:
    store(everyone, "open.md", ["one"])
    store(everyone, "secret.md", ["two", "three"], ["group:board"])
    seen = {name: collections.get(engine, CALLERS[name], everyone.id) for name in ("ann", "admin")}
    assert [(c.n_documents, c.n_chunks) for c in seen.values() if c] == [(1, 1), (2, 3)]


def test_counts_what_is_not_read_yet_and_the_caller_may_read(
    engine: Engine, everyone: Collection, store: Store
) -> None:
    other = collections.create(engine, "Board", "", ["user:bob"])
    private = collections.create(engine, "Attachments", "", ["user:ann"], private_to="c1")

    def add(collection: Collection, readers: Sequence[str] = ()) -> Document:
        path = f"{uuid4().hex}.md"
        return documents.add(engine, collection.id, path, path, "text/plain", 1, "0" * 64, readers, "user:admin")

    store(everyone, "done.md", ["one"])
    add(everyone), add(everyone, ["user:bob"]), add(other), add(private)
    hold(engine, add(everyone).id, "worker")  # it is being read
    ann, bob = CALLERS["ann"], CALLERS["bob"]
    assert [documents.unread(engine, caller) for caller in (ann, bob, CALLERS["admin"])] == [2, 4, 4]
    assert documents.unread(engine, ann, ["Handbook"]) == documents.unread(engine, ann, [everyone.id]) == 2
    assert documents.unread(engine, bob, ["Board"]) == 1 and not documents.unread(engine, ann, ["Board"])
    assert documents.unread(engine, ann, [private.id]) == 1 and not documents.unread(engine, bob, [private.id])
    assert not documents.unread(engine, ann, []) and not documents.unread(engine, ann, ["Attachments"])


def test_keeps_attachments_out_of_lists_unless_asked_for(engine: Engine, store: Store) -> None:
    private = collections.create(engine, "Attachments", "", ["user:ann"], private_to="c1")
    store(private, "cv.pdf", ["text"])
    ann = CALLERS["ann"]
    assert collections.list_readable(engine, ann) == [] and documents.page(engine, ann) == ([], 0)
    assert [c.name for c in collections.list_readable(engine, ann, include_private=True)] == ["Attachments"]
    assert access.all_allowed_rows(engine, ann, None, 9) == []


async def test_takes_a_revoked_right_away_at_once(
    engine: Engine, store: Store, indexes: Indexes, search: Search
) -> None:
    collection = collections.create(engine, "C", "", ["user:ann"])
    document = store(collection, "a.md", ["parking is free"])
    indexes.step()
    ann = CALLERS["ann"]
    changed = search.version()
    assert len(await search.search("parking", ann)) == 1
    documents.set_readers(engine, ADMIN, document.id, ["user:bob"])
    assert await search.search("parking", ann) == [] and len(await search.search("parking", CALLERS["bob"])) == 1
    documents.set_readers(engine, ADMIN, document.id, [])
    assert len(await search.search("parking", ann)) == 1
    collections.update(engine, ADMIN, collection.id, readers=[])
    assert await search.search("parking", ann) == []
    assert search.version() >= changed + 3


async def test_leaks_nothing_to_searches_that_race_with_a_revocation(
    engine: Engine, store: Store, indexes: Indexes, search: Search
) -> None:
    collection = collections.create(engine, "C", "", ["user:ann"])
    document = store(collection, "a.md", ["parking is free"])
    indexes.step()
    revoked = asyncio.Event()

    async def look() -> list[bool]:
        seen = []
        for _ in range(10):
            was_revoked = revoked.is_set()
            found = await search.search("parking", CALLERS["ann"])
            seen.append(was_revoked and bool(found))
        return seen

    async def revoke() -> None:
        await asyncio.sleep(0.05)
        await asyncio.to_thread(documents.set_readers, engine, ADMIN, document.id, ["user:bob"])
        revoked.set()

    *seen, _ = await asyncio.gather(*(look() for _ in range(8)), revoke())
    assert not any(itertools.chain.from_iterable(one for one in seen if one))
    assert await search.search("parking", CALLERS["ann"]) == []


@pytest.mark.parametrize("reader", ["", "hr", "group:", "user: ", "Everyone", "group:" + "x" * 200])
def test_refuses_readers_that_are_no_principals(engine: Engine, reader: str) -> None:
    with pytest.raises(InvalidValue, match="cannot be a reader"):
        collections.create(engine, "C", "", [reader])


PRINCIPALS = ["everyone", "public", "user:ann", "user:bob", "group:hr", "group:sales"]
SOME = st.frozensets(st.sampled_from(PRINCIPALS), max_size=3)
DOCUMENTS = st.lists(st.tuples(SOME, SOME, st.booleans(), st.booleans()), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DOCUMENTS, SOME, st.booleans())
def test_agrees_with_the_rule_written_in_python(
    engine: Engine,
    some: list[tuple[frozenset[str], frozenset[str], bool, bool]],
    principals: frozenset[str],
    sees_all: bool,
) -> None:
    caller = Scope(principals, sees_all)
    expected, rows = set(), set()
    with engine.begin() as connection:
        for readers, own, private, enabled in some:
            row = planted(connection, readers, own, private, enabled)
            rows.add(row)
            by_collection = bool(readers & principals)
            by_rule = bool(own & principals) if own else by_collection
            if enabled and not private and (by_rule or sees_all):
                expected.add(row)
    with reading(engine) as connection:
        assert access.allowed_rows(connection, caller, None, rows) == expected
        assert set(passages.read(connection, caller, None, dict.fromkeys(rows, StageScores()))) == expected
    assert set(access.all_allowed_rows(engine, caller, None, 10_000)) & rows == expected


def planted(connection: Connection, readers: frozenset[str], own: frozenset[str], private: bool, enabled: bool) -> int:
    """Return the row of the one chunk of a new document with these readers."""
    key = uuid4().hex
    times = {"created_at": 0.0, "updated_at": 0.0}
    collection = {"id": key, "name": key, "description": "", "private_to": key if private else None}
    connection.execute(insert(tables.collections), {**collection, **times})
    for reader in readers:
        connection.execute(insert(tables.collection_readers), {"collection_id": key, "principal": reader})
    file = {"title": "t", "path": "p", "media_type": "text/plain", "size": 1, "sha256": "0" * 64, "uploaded_by": "u"}
    job = {"status": "ready", "stage": "done", "progress": 1.0}
    connection.execute(insert(tables.documents), {"id": key, "collection_id": key, **file, **job, **times})
    for reader in own:
        connection.execute(insert(tables.document_readers), {"document_id": key, "principal": reader})
    chunk = {"id": key, "document_id": key, "collection_id": key, "n": 0, "text": "text", "enabled": int(enabled)}
    return int(connection.execute(insert(table).returning(table.c.row), chunk).scalar_one())
