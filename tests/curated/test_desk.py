"""Curated answers: kept in SQL, found by the question, given to those who may read them and what they cite."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from assistant.curated import store
from assistant.curated.desk import Desk
from assistant.curated.errors import CuratedUnusable
from assistant.curated.store import Written
from knowledge import chunks, collections, documents
from knowledge.embed import HashEmbedder, OnnxEmbedder
from knowledge.tables import documents as documents_table
from knowledge.types import NewChunk, Scope

ADMIN = Scope(frozenset({"everyone", "user:ann"}), sees_all=True)
BEN = Scope(frozenset({"everyone", "user:ben", "group:hr"}))
EVE = Scope(frozenset({"everyone", "user:eve"}))
OPEN = "When is the canteen open?"


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(threads=1)


@pytest.fixture
def desk(engine: Engine, embedder: OnnxEmbedder) -> Desk:
    return Desk(engine, embedder.embed, 0.85)


def write(engine: Engine, questions: Sequence[str] = (OPEN,), **more: object) -> store.Curated:
    written = Written(tuple(questions), str(more.pop("answer", "From 11 to 14.")), **more)  # type: ignore[arg-type]
    return store.add(engine, ADMIN, written, "ann")


def passage(engine: Engine, readers: Sequence[str]) -> str:
    """Return the id of a passage of a new document that `readers` may read."""
    made = collections.create(engine, f"For {'-'.join(readers)}", "", list(readers))
    document = documents.add(engine, made.id, "Canteen", "canteen.md", "text/markdown", 9, "0" * 64, [], "ann")
    with engine.begin() as connection:
        connection.execute(documents_table.update().values(status="running", lease_owner="w", lease_until=2e9))
    new = [NewChunk("The canteen is open from 11 to 14.", "Canteen", 1)]
    chunks.replace(engine, document.id, "w", new, HashEmbedder().embed([new[0].text]), "hash", "Canteen")
    return chunks.page(engine, ADMIN, document.id, 0, 1)[0][0].id


def test_it_is_found_in_the_same_and_in_other_words_and_counted(engine: Engine, desk: Desk) -> None:
    assert desk.find(OPEN, BEN) is None
    made = write(engine, [OPEN, "Canteen hours"])
    for asked in (OPEN, "when is the canteen open", "canteen hours?", "When is our canteen open?"):
        found = desk.find(asked, BEN)
        assert found is not None and found.text == "From 11 to 14." and found.route.strategy == "curated", asked
    for asked in ("Who runs the canteen?", "When is the canteen not open?", "How much leave is there?"):
        assert desk.find(asked, BEN) is None, asked
    assert store.find(engine, made.id).given == 4  # type: ignore[union-attr] # it was just written


def test_a_change_counts_at_once(engine: Engine, desk: Desk) -> None:
    made = write(engine)
    assert desk.find(OPEN, BEN) is not None
    store.change(engine, ADMIN, made.id, Written((OPEN,), "From 12."), "ann")
    assert desk.find(OPEN, BEN).text == "From 12."  # type: ignore[union-attr] # None fails the test as well
    store.change(engine, ADMIN, made.id, Written((OPEN,), "From 12.", enabled=False), "ann")
    assert desk.find(OPEN, BEN) is None
    store.change(engine, ADMIN, made.id, Written((OPEN,), "From 12."), "ann")
    assert desk.find(OPEN, BEN) is not None
    assert store.remove(engine, made.id) and desk.find(OPEN, BEN) is None
    assert not store.remove(engine, made.id) and store.change(engine, ADMIN, "x", Written((OPEN,), "x"), "ann") is None


def test_only_its_readers_get_it_and_the_next_one_is_tried(engine: Engine, desk: Desk) -> None:
    write(engine, answer="For everyone.")
    write(engine, answer="For HR.", readers=frozenset({"group:hr"}))
    assert desk.find(OPEN, BEN).text == "For HR."  # type: ignore[union-attr] # the latest one that he may read
    assert desk.find(OPEN, EVE).text == "For everyone."  # type: ignore[union-attr] # None fails the test as well
    visitor = Scope(frozenset({"public"}))
    assert desk.find(OPEN, visitor) is None


def test_who_may_not_read_a_source_does_not_get_the_answer(engine: Engine, desk: Desk) -> None:
    write(engine, answer="From 11 to 14 [1].", sources=(passage(engine, ["group:hr"]),))
    found = desk.find(OPEN, BEN)
    assert found is not None and found.citations[0].title == "Canteen" and found.citations[0].n == 1
    assert desk.find(OPEN, EVE) is None


def test_an_answer_whose_source_is_gone_is_not_given_and_says_so(engine: Engine, desk: Desk) -> None:
    source = passage(engine, ["everyone"])
    made = write(engine, answer="From 11 to 14 [1].", sources=(source,))
    assert desk.find(OPEN, BEN) is not None
    documents.delete(engine, ADMIN, made.citations[0].document)
    assert desk.find(OPEN, BEN) is None
    assert store.listed(engine, ADMIN)[0].sources_gone == (1,)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (Written((" ",), "x"), "needs a question"),
        (Written((OPEN,), " "), "needs a question"),
        (Written((OPEN,), "See [1]."), r"mark \[1\]"),
        (Written((OPEN,), "x", ("nowhere",)), "no passage 'nowhere'"),
        (Written(tuple(f"Question {n}?" for n in range(21)), "x"), "at most 20"),
    ],
)
def test_it_refuses_what_cannot_be_given(engine: Engine, written: Written, reason: str) -> None:
    with pytest.raises(CuratedUnusable, match=reason):
        store.add(engine, ADMIN, written, "ann")
    assert store.everything(engine) == []
