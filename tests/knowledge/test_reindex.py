"""Changing the embedding model while searches and uploads go on."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine

from knowledge import facts, reindex
from knowledge.embed import HashEmbedder
from knowledge.errors import EmbedderUnavailable
from knowledge.serving import AbsentEmbedder, Serving, live_embedder
from knowledge.settings import KnowledgeSettings
from knowledge.types import Collection, Vectors
from tests.knowledge.building import HASH, Store, scope
from tests.outage import LOCKED, STUCK, outage

NEXT = HashEmbedder(32, "next")


class FlakyEmbedder(HashEmbedder):
    """An embedder whose server fails the first time."""

    failures = 1

    def embed(self, texts: list[str]) -> Vectors:
        """Fail once, then embed."""
        if self.failures:
            self.failures -= 1
            raise EmbedderUnavailable("The embedding server gave no vectors; check that it runs.")
        return super().embed(texts)


def test_makes_the_next_models_vectors_and_then_switches(engine: Engine, everyone: Collection, store: Store) -> None:
    store(everyone, "a.md", [f"chunk {n}" for n in range(100)])
    assert facts.live_embedder(engine, HASH.name) == HASH.name
    assert not reindex.switch(engine, NEXT.name)  # not complete
    assert reindex.step(engine, NEXT) == 64
    assert reindex.progress(engine, NEXT.name) == reindex.Progress("next", 64, 100, live=False)
    assert reindex.step(engine, NEXT) == 36 and reindex.step(engine, NEXT) == 0
    assert reindex.forget(engine, HASH.name) == 0  # still live
    assert reindex.switch(engine, NEXT.name)
    assert facts.live_embedder(engine, HASH.name) == "next"
    assert reindex.forget(engine, HASH.name) == 100


def test_completes_chunks_stored_by_the_old_model_meanwhile(engine: Engine, everyone: Collection, store: Store) -> None:
    facts.live_embedder(engine, HASH.name)
    store(everyone, "a.md", ["one"])
    while reindex.fill(engine, NEXT, HASH):
        pass
    store(everyone, "late.md", ["two"])
    store(everyone, "new.md", ["three"], embedder=NEXT)
    assert not reindex.switch(engine, NEXT.name)
    while reindex.fill(engine, NEXT, HASH):
        pass
    assert [reindex.progress(engine, model).done for model in ("next", "hash")] == [3, 3]
    assert reindex.switch(engine, NEXT.name)


def test_keeps_at_it_until_the_new_model_is_live(
    engine: Engine, everyone: Collection, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex, "_POLL_S", 0.01)
    facts.live_embedder(engine, HASH.name)
    store(everyone, "a.md", [f"chunk {n}" for n in range(70)])
    stop, flaky = threading.Event(), FlakyEmbedder(32, "next")
    keeper = threading.Thread(target=reindex.keep, args=(engine, flaky, HASH, stop))
    keeper.start()
    for _ in range(500):
        if facts.live_embedder(engine, HASH.name) == "next" or stop.wait(0.02):
            break
    stop.set()
    keeper.join()
    assert reindex.progress(engine, "next") == reindex.Progress("next", 70, 70, live=True)


@pytest.mark.parametrize("error", [LOCKED, STUCK])
def test_goes_on_after_the_database_was_away(
    engine: Engine,
    everyone: Collection,
    store: Store,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING", "knowledge.reindex")
    monkeypatch.setattr(reindex, "_POLL_S", 0.01)
    facts.live_embedder(engine, HASH.name)
    stop = threading.Event()
    keeper = threading.Thread(target=reindex.keep, args=(engine, NEXT, HASH, stop))
    with outage(engine, error):
        keeper.start()
    store(everyone, "a.md", ["one"])
    for _ in range(2_000):
        if reindex.progress(engine, "next").done or stop.wait(0.01):
            break
    stop.set()
    keeper.join()
    assert reindex.progress(engine, "next") == reindex.Progress("next", 1, 1, live=True)
    assert len([line for line in caplog.records if "cannot embed" in line.getMessage()]) == 1


async def test_serves_by_words_until_the_switch_and_by_the_new_model_after(
    engine: Engine, everyone: Collection, store: Store, tmp_path: Path
) -> None:
    facts.live_embedder(engine, HASH.name)
    store(everyone, "a.md", ["parking is free"])
    serving = Serving(engine, tmp_path / "indexes", KnowledgeSettings(), NEXT)
    assert isinstance(serving.embedder, AbsentEmbedder) and not serving.switch_if_due()
    serving.indexes.step()
    before = await serving.search.search_detailed("parking", scope())
    assert [p.path for p in before.passages] == ["a.md"] and before.notice and "'hash'" in before.notice
    while reindex.fill(engine, NEXT, None):
        pass
    reindex.switch(engine, NEXT.name)
    assert serving.switch_if_due() and not serving.switch_if_due()
    after = await serving.search.search_detailed("parking", scope())
    assert [p.path for p in after.passages] == ["a.md"] and after.passages[0].scores.dense is not None
    assert serving.indexes.model == "next" and serving.lag() >= 0
    serving.stop()


def test_searches_by_the_wanted_model_when_nothing_is_stored_yet(engine: Engine) -> None:
    assert live_embedder(engine, NEXT) is NEXT and live_embedder(engine, HASH).name == "next"
