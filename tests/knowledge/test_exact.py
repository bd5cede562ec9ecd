"""The exact scan: complete and up to date."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Engine

from knowledge import changes, documents
from knowledge.database import reading
from knowledge.exact import ExactScan
from knowledge.types import Collection
from tests.knowledge.building import ADMIN, HASH, Store


def test_agrees_with_comparing_every_vector(engine: Engine, everyone: Collection, store: Store) -> None:
    texts = [f"chunk {n} about topic {n % 5}" for n in range(60)]
    store(everyone, "a.md", texts, title="t")
    scan = ExactScan(engine, HASH.name, HASH.dimension)
    question = HASH.embed(["topic 3"])[0]
    expected = np.argsort(-(HASH.embed([f"t\n{text}" for text in texts]) @ question), kind="stable")[:10]
    found = scan.nearest(question, 10)
    assert {hit.row - 1 for hit in found} == set(expected.tolist())
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert [hit.row for hit in scan.nearest_of(question, {2, 4, 999}, 10)] in ([2, 4], [4, 2])
    assert scan.nearest_of(question, set(), 10) == []


def test_compares_what_was_loaded_before_there_was_a_question(
    engine: Engine, everyone: Collection, store: Store
) -> None:
    store(everyone, "a.md", ["parking is free", "the canteen", "leave"])
    scan = ExactScan(engine, HASH.name, HASH.dimension)
    with reading(engine) as connection:
        loaded = scan.load(connection, frozenset({2, 3, 999}))
        none = scan.load(connection, frozenset())
    question = HASH.embed(["the canteen"])[0]
    assert loaded.asked == {2, 3, 999}
    assert loaded.nearest(question, 5) == scan.nearest_of(question, {2, 3}, 5)
    assert [hit.row for hit in loaded.nearest(question, 1)] == [2]
    assert none.nearest(question, 5) == []


def test_takes_up_what_was_added_since(engine: Engine, everyone: Collection, store: Store) -> None:
    scan = ExactScan(engine, HASH.name, HASH.dimension)
    question = HASH.embed(["canteen"])[0]
    assert scan.nearest(question, 5) == []
    store(everyone, "a.md", ["parking is free"])
    assert len(scan.nearest(question, 5)) == 1
    document = store(everyone, "b.md", ["the canteen"])
    assert scan.nearest(question, 1)[0].row == 2
    documents.delete(engine, ADMIN, document.id)
    store(everyone, "c.md", ["canteen"])
    with engine.begin() as connection:
        changes.prune(connection, keep=1)
    assert scan.nearest(question, 1)[0].row == 3  # read anew after a gap
    scan.release()
    assert {hit.row for hit in scan.nearest(question, 9)} == {1, 3}
