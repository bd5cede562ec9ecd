"""Chunks: stored once however often a document was tried, all of them or none, with stable ids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from knowledge import changes, chunks, collections, documents
from knowledge.database import reading
from knowledge.embed import HashEmbedder
from knowledge.errors import InvalidValue, LeaseLost, NameTaken
from knowledge.tables import vectors
from knowledge.types import Collection, NewChunk
from tests.knowledge.building import ADMIN, Store, chunks_of, hold, replaced, scope, store_row


def test_makes_the_document_ready_with_its_chunks(everyone: Collection, store: Store, engine: Engine) -> None:
    document = store(everyone, "a.md", [NewChunk("one", "Head", 2, "anchor"), "two"], title="A title")
    assert (document.status, document.stage, document.progress, document.n_chunks) == ("ready", "done", 1.0, 2)
    first, second = chunks_of(engine, document)
    assert (first.text, first.heading, first.page, first.anchor, first.n) == ("one", "Head", 2, "anchor", 0)
    assert (second.n, second.enabled) == (1, True)


def test_refuses_a_worker_that_lost_the_document(everyone: Collection, store: Store, engine: Engine) -> None:
    document = store(everyone, "a.md", ["old"])
    with pytest.raises(LeaseLost, match="does not hold"):  # ready: nobody holds it
        replaced(engine, document, ["new"], "worker")
    hold(engine, document.id, "another")
    with pytest.raises(LeaseLost):
        replaced(engine, document, ["new"], "worker")
    documents.delete(engine, ADMIN, document.id)
    with pytest.raises(LeaseLost):
        replaced(engine, document, ["new"], "another")


def test_keeps_the_old_chunks_until_the_new_ones_are_there(everyone: Collection, store: Store, engine: Engine) -> None:
    document = store(everyone, "a.md", ["old"])
    again = store_row(engine, everyone, "a.md")
    assert again.id == document.id and again.status == "queued"
    assert [chunk.text for chunk in chunks_of(engine, document)] == ["old"]
    hold(engine, document.id, "w")
    replaced(engine, document, ["new"])
    assert [chunk.text for chunk in chunks_of(engine, document)] == ["new"]


def test_keeps_ids_rows_and_switches_of_chunks_that_stay_the_same(
    everyone: Collection, store: Store, engine: Engine
) -> None:
    document = store(everyone, "a.md", ["same", "old", "also the same"])
    before = chunks_of(engine, document)
    chunks.set_enabled(engine, ADMIN, before[0].id, False)
    hold(engine, document.id, "w")
    replaced(engine, document, ["same", "new", "also the same", "more"])
    after = chunks_of(engine, document)
    assert [c.id for c in after][::2] == [c.id for c in before][::2] and after[1].id != before[1].id
    assert [c.row for c in after][::2] == [c.row for c in before][::2]
    assert [c.enabled for c in after] == [False, True, True, True]


def test_writes_nothing_when_the_vectors_do_not_fit(everyone: Collection, store: Store, engine: Engine) -> None:
    document = store(everyone, "a.md", ["old"])
    hold(engine, document.id, "w")
    bad = np.full((1, 4), np.nan, np.float32)
    for table in (np.zeros((2, 4), np.float32), bad, np.zeros(1, np.float32)):
        with pytest.raises(InvalidValue, match="vectors of shape"):
            chunks.replace(engine, document.id, "w", [NewChunk("new")], table, "hash", "t")
    assert [chunk.text for chunk in chunks_of(engine, document)] == ["old"]


def test_stores_what_a_database_would_refuse(everyone: Collection, store: Store, engine: Engine) -> None:
    document = store(everyone, "a.md", ["nul \0 and half \ud800 of a pair"])
    assert chunks_of(engine, document)[0].text == "nul  and half ? of a pair"


def test_takes_a_document_without_a_chunk(everyone: Collection, store: Store, engine: Engine) -> None:
    document = store_row(engine, everyone, "empty.md")
    hold(engine, document.id, "w")
    replaced(engine, document, [])
    assert chunks_of(engine, document) == []


def test_shows_a_chunk_between_its_neighbours(everyone: Collection, store: Store, engine: Engine) -> None:
    document = store(everyone, "a.md", ["one", "two", "three", "four"])
    middle = chunks_of(engine, document)[1]
    assert [c.text for c in chunks.around(engine, ADMIN, middle.id)] == ["one", "two", "three"]
    assert [c.text for c in chunks.page(engine, ADMIN, document.id, 1, 2)[0]] == ["two", "three"]
    assert chunks.around(engine, scope(), "no such chunk") == []


def test_records_every_row_that_came_and_went(everyone: Collection, store: Store, engine: Engine) -> None:
    document = store(everyone, "a.md", ["one", "two"])
    documents.delete(engine, ADMIN, document.id)
    with reading(engine) as connection:
        seen = [(c.kind, c.row) for c in changes.after(connection, 0, 99) if c.kind != "touch"]
        left = connection.execute(select(func.count()).select_from(vectors)).scalar()
    assert seen == [("add", 1), ("add", 2), ("remove", 1), ("remove", 2)] and left == 0


def test_deletes_a_collection_with_everything_in_it(everyone: Collection, store: Store, engine: Engine) -> None:
    document = store(everyone, "a.md", ["one", "two"])
    assert collections.delete(engine, ADMIN, everyone.id)
    assert documents.get(engine, ADMIN, document.id) is None and chunks_of(engine, document) == []
    with reading(engine) as connection:
        assert [c.row for c in changes.after(connection, 0, 99) if c.kind == "remove"] == [1, 2]


def test_keeps_one_document_per_path(everyone: Collection, engine: Engine) -> None:
    first, second = store_row(engine, everyone, "a.md"), store_row(engine, everyone, "a.md")
    assert first.id == second.id and documents.page(engine, ADMIN)[1] == 1


@pytest.mark.parametrize("path", ["", "x" * 2001])
def test_refuses_paths_that_cannot_be_stored(everyone: Collection, engine: Engine, path: str) -> None:
    with pytest.raises(InvalidValue, match="path"):
        store_row(engine, everyone, path)


def test_refuses_a_document_for_a_collection_that_is_gone(everyone: Collection, engine: Engine) -> None:
    collections.delete(engine, ADMIN, everyone.id)
    with pytest.raises(InvalidValue, match="no collection"):
        store_row(engine, everyone, "a.md")


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\nb", "a\0b"])
def test_refuses_names_that_no_collection_can_have(engine: Engine, name: str) -> None:
    with pytest.raises(InvalidValue, match="cannot be a name"):
        collections.create(engine, name, "", [])


def test_refuses_a_name_that_is_taken(engine: Engine, everyone: Collection) -> None:
    with pytest.raises(NameTaken, match="Handbook"):
        collections.create(engine, "Handbook", "", [])
    other = collections.create(engine, "Other", "", [])
    with pytest.raises(NameTaken):
        collections.update(engine, ADMIN, other.id, name="Handbook")


def test_finds_documents_by_plain_text_not_by_pattern(everyone: Collection, store: Store, engine: Engine) -> None:
    store(everyone, "100% sure.md", ["text"])
    store(everyone, "100 times.md", ["text"])
    assert [d.path for d in documents.page(engine, ADMIN, text="100%")[0]] == ["100% sure.md"]
    assert documents.page(engine, ADMIN, text="TIMES")[1] == 1
    assert documents.page(engine, ADMIN, status="failed") == ([], 0)
    assert sum(documents.counts(engine, ADMIN).values()) == 2
    assert sum(documents.counts(engine, ADMIN, everyone.id, "times").values()) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(-1, 1, width=16), min_size=4, max_size=4), min_size=1, max_size=5))
def test_reads_vectors_back_as_they_were_up_to_half_precision(rows: list[list[float]]) -> None:
    table = np.array(rows, np.float32)
    read = chunks.stored_vectors([chunks.vector_bytes(row) for row in table], 4)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    assert np.allclose(read, table / np.maximum(lengths, 1e-12), atol=1e-3)


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1, max_size=4))
def test_ends_with_the_last_version_whatever_came_before(
    everyone: Collection, engine: Engine, versions: list[list[str]]
) -> None:
    document = store_row(engine, everyone, "a.md")
    for texts in versions:
        hold(engine, document.id, "w")
        replaced(engine, document, texts)
    found = chunks_of(engine, document)
    assert [chunk.text for chunk in found] == versions[-1]
    with reading(engine) as connection:
        rows = {c.row for c in changes.after(connection, 0, 100_000)}
        held = set(connection.execute(select(vectors.c.chunk_row)).scalars())
    assert held == {chunk.row for chunk in found} <= rows
    assert HashEmbedder().embed([]).shape == (0, 64)
