"""Search through its real entry point: what it finds, for whom, and what it does when an index is missing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from knowledge import chunks, collections, documents
from knowledge.embed import HashEmbedder
from knowledge.errors import EmbedderUnavailable, IndexUnavailable
from knowledge.indexes import Indexes
from knowledge.rerank import OverlapReranker
from knowledge.search import Search
from knowledge.types import Collection, NewChunk, PageBreak, Vectors
from tests.knowledge.building import ADMIN, HASH, Store, chunks_of, scope

ANN = scope("user:ann")


class BrokenEmbedder(HashEmbedder):
    """An embedder whose server is away."""

    def embed(self, texts: list[str]) -> Vectors:
        """Raise EmbedderUnavailable."""
        raise EmbedderUnavailable("The embedding server gave no vectors; check that it runs.")


async def test_finds_the_closest_chunk_first_with_everything_a_citation_needs(
    everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    piece = NewChunk("carry over five days of leave", "Leave > Carrying over", 3, "carry", (PageBreak(11, 4),))
    document = store(everyone, "leave.md", [piece, "parking is free on Sundays"])
    indexes.step()
    best, *rest = await search.search("how many days of leave carry over", ANN)
    assert (best.text, best.heading, best.page, best.anchor) == (piece.text, piece.heading, 3, "carry")
    assert (best.page_at(10), best.page_at(11)) == (3, 4)
    assert (best.document_id, best.title, best.path, best.place) == (document.id, "leave.md", "leave.md", 0)
    assert best.scores.dense is not None and best.scores.keyword is not None and best.scores.fused == best.score
    assert all(0 <= passage.score <= best.score <= 1 for passage in rest)


async def test_reports_where_it_looked_and_how_long_it_took(
    engine: Engine, everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    collections.create(engine, "Secret", "", ["group:board"])
    store(everyone, "a.md", ["parking is free"])
    indexes.step()
    result = await search.search_detailed("parking", ANN)
    assert (result.searched, result.n_candidates, result.notice) == (("Handbook",), 1, None)
    assert {"embed", "dense", "keyword", "access", "fuse", "read"} <= result.timings_ms.keys()


@pytest.mark.parametrize("question", ["", "   \n\t", "\0"])
async def test_finds_nothing_for_a_question_without_a_word(
    everyone: Collection, store: Store, indexes: Indexes, search: Search, question: str
) -> None:
    store(everyone, "a.md", ["parking is free"])
    indexes.step()
    result = await search.search_detailed(question, ANN)
    assert result.passages == [] or question == "\0"


@pytest.mark.parametrize(
    "question", ["\ud800 parking", "parking " * 5000, "😀😀😀", "' OR 1=1 --", '+parking -free ("', "row:1", "ﷺ" * 50]
)
async def test_survives_odd_questions(
    everyone: Collection, store: Store, indexes: Indexes, search: Search, question: str
) -> None:
    store(everyone, "a.md", ["parking is free"])
    indexes.step()
    assert len(await search.search(question, ANN)) <= 1


async def test_finds_nothing_in_an_empty_knowledge_base(indexes: Indexes, search: Search) -> None:
    indexes.step()
    assert await search.search("parking", ANN) == []


async def test_looks_only_in_the_named_collections(
    engine: Engine, everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    other = collections.create(engine, "Other", "", ["everyone"])
    store(everyone, "a.md", ["parking is free"])
    store(other, "b.md", ["parking costs two euros"])
    indexes.step()
    by_name = await search.search_detailed("parking", ANN, ("Other",))
    by_id = await search.search_detailed("parking", ANN, (other.id,))
    assert [p.path for p in by_name.passages] == [p.path for p in by_id.passages] == ["b.md"]
    assert by_name.searched == ("Other",)


async def test_treats_an_unreadable_collection_like_one_that_does_not_exist(
    engine: Engine, everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    secret = collections.create(engine, "Board", "", ["group:board"])
    store(secret, "plan.md", ["the takeover plan"])
    indexes.step()
    unreadable = await search.search_detailed("takeover plan", ANN, ("Board",))
    missing = await search.search_detailed("takeover plan", ANN, ("No such collection",))
    assert (unreadable.passages, unreadable.searched, unreadable.n_candidates) == ([], (), 0)
    assert (missing.passages, missing.searched, missing.n_candidates) == ([], (), 0)


async def test_leaves_attachments_of_conversations_out_unless_they_are_named(
    engine: Engine, store: Store, indexes: Indexes, search: Search
) -> None:
    private = collections.create(engine, "Attachments of c1", "", ["user:ann"], private_to="c1")
    store(private, "cv.pdf", ["my salary expectations"])
    indexes.step()
    assert await search.search("salary expectations", ANN) == []
    assert [p.path for p in await search.search("salary expectations", ANN, (private.name,))] == ["cv.pdf"]
    assert await search.search("salary expectations", ADMIN, (private.name,)) == []


async def test_leaves_disabled_chunks_out_at_once(
    engine: Engine, everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    document = store(everyone, "a.md", ["parking is free", "parking costs two euros"])
    indexes.step()
    before = search.version()
    chunks.set_enabled(engine, ANN, chunks_of(engine, document)[0].id, False)
    assert [p.text for p in await search.search("parking", ANN)] == ["parking costs two euros"]
    assert search.version() > before


async def test_never_returns_a_deleted_document_though_the_indexes_still_hold_it(
    engine: Engine, everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    document = store(everyone, "a.md", ["parking is free"])
    indexes.step()
    documents.delete(engine, ANN, document.id)
    assert await search.search("parking", ANN) == []
    indexes.step()
    assert indexes.dense.status().entries == indexes.keyword.status().entries == 0


async def test_finds_a_document_before_the_indexes_have_taken_it_up(
    everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    store(everyone, "old.md", ["parking is free"])
    indexes.step()
    store(everyone, "new.md", ["the canteen opens at noon"])
    assert (await search.search("when does the canteen open", ANN))[0].path == "new.md"


async def test_answers_by_exact_scan_while_there_is_no_dense_index(
    everyone: Collection, store: Store, search: Search
) -> None:
    store(everyone, "a.md", ["parking is free", "the canteen opens at noon"])
    result = await search.search_detailed("canteen at noon", ANN)
    assert result.passages[0].text == "the canteen opens at noon"
    assert result.notice is not None and "keyword index" in result.notice


async def test_answers_by_words_alone_while_the_embedder_is_away(
    engine: Engine, everyone: Collection, store: Store, indexes: Indexes
) -> None:
    store(everyone, "a.md", ["parking is free", "the canteen opens at noon"])
    indexes.step()
    result = await Search(engine, indexes, BrokenEmbedder()).search_detailed("canteen", ANN)
    assert [p.text for p in result.passages] == ["the canteen opens at noon"]
    assert result.notice is not None and "embedding server" in result.notice


async def test_says_so_when_neither_stage_can_answer(engine: Engine, indexes: Indexes) -> None:
    with pytest.raises(IndexUnavailable, match="Neither index"):
        await Search(engine, indexes, BrokenEmbedder()).search("canteen", ANN)


async def test_says_nothing_twice(everyone: Collection, store: Store, indexes: Indexes, search: Search) -> None:
    store(everyone, "a.md", ["Parking is free on Sundays."])
    store(everyone, "b.md", ["parking is free, on Sundays"])
    indexes.step()
    assert len(await search.search("parking on sundays", ANN)) == 1


async def test_lets_no_document_crowd_out_the_others(
    everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    store(everyone, "loud.md", [f"parking parking parking rule number {n} {'x' * n}" for n in range(10)])
    store(everyone, "calm.md", ["parking is free on days of rest and for visitors"])
    indexes.step()
    found = [p.path for p in await search.search("parking", ANN, limit=5)]
    assert found.count("loud.md") == 4 and found.index("calm.md") <= 3  # the fourth fills an otherwise empty place
    assert len(found) == 5


async def test_lets_no_document_make_way_for_one_that_is_far_from_the_question(
    everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    rules = ["gym fees", "yoga classes", "personal training", "fitness programs up to 1000 dollars"]
    store(
        everyone,
        "perks.md",
        [f"PerksPlus covers {rule} for the fitness of the {n}. team" for n, rule in enumerate(rules)],
    )
    store(everyone, "plan.md", ["the plan covers a maximum of visits", "out of network maximum"])
    indexes.step()
    found = await search.search("which fitness does PerksPlus cover for the team", ANN, limit=4)
    assert [passage.path for passage in found] == ["perks.md"] * 4


async def test_fills_the_list_from_one_long_document_when_there_is_no_other(
    everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    store(everyone, "manual.md", [f"parking rule {n} {'y' * n}" for n in range(10)])
    indexes.step()
    assert len(await search.search("parking", ANN, limit=8)) == 8


async def test_puts_what_the_reranker_prefers_first(
    engine: Engine, everyone: Collection, store: Store, indexes: Indexes
) -> None:
    store(everyone, "a.md", ["parking parking parking", "parking for visitors on sundays"])
    indexes.step()
    found = await Search(engine, indexes, HASH, OverlapReranker()).search("parking visitors sundays", ANN)
    assert found[0].text == "parking for visitors on sundays" and found[0].scores.rerank == 1.0


async def test_finds_everything_a_caller_may_read_among_much_that_they_may_not(
    engine: Engine, store: Store, indexes: Indexes, search: Search
) -> None:
    secret = collections.create(engine, "Secret", "", ["group:board"])
    open_one = collections.create(engine, "Open", "", ["group:ann"])
    store(secret, "many.md", [f"parking space number {n} {'z' * (n % 40)}" for n in range(400)])
    store(open_one, "few.md", ["visitors leave the parking garage through the northern gate"])
    indexes.step()
    found = await search.search("parking space number", scope("group:ann"))
    assert [p.path for p in found] == ["few.md"]
    assert found[0].scores.dense is not None and found[0].scores.keyword is not None


async def test_works_in_threads_of_its_own(engine: Engine, everyone: Collection, store: Store, tmp_path: Path) -> None:
    store(everyone, "a.md", ["parking is free"])
    running = Indexes(engine, tmp_path / "indexes", HASH.name, HASH.dimension)
    running.start()
    found = await Search(engine, running, HASH).search("parking", ANN)
    running.stop()
    assert [p.path for p in found] == ["a.md"]


class TakingAway(HashEmbedder):
    """An embedder that takes time: meanwhile the rights of the keyword hits were looked up, and then changed."""

    def __init__(self, looked: threading.Event, change: Callable[[], object]) -> None:
        """Wait for `looked`, then call `change`, before each text is embedded."""
        super().__init__()
        self._looked = looked
        self._change = change

    def embed(self, texts: list[str]) -> Vectors:
        """Return the vectors that HashEmbedder gives."""
        assert self._looked.wait(30)
        self._change()
        return super().embed(texts)


async def test_never_shows_what_was_taken_away_after_its_rights_were_looked_up(
    engine: Engine, everyone: Collection, store: Store, indexes: Indexes
) -> None:
    document = store(everyone, "a.md", ["parking is free"])
    store(everyone, "b.md", ["parking costs a lot"])
    indexes.step()
    looked = threading.Event()

    @event.listens_for(engine, "after_cursor_execute")
    def notice(*arguments: object) -> None:
        if "FROM vectors" in str(arguments[2]):  # these are read after the look at the rights
            looked.set()

    change = TakingAway(looked, lambda: documents.set_readers(engine, ADMIN, document.id, ["group:board"]))
    found = await Search(engine, indexes, change).search("parking", ANN)
    assert [passage.path for passage in found] == ["b.md"]


async def test_finds_the_same_for_many_who_ask_at_once(
    everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    store(everyone, "a.md", [f"parking space number {n}" for n in range(30)])
    indexes.step()
    alone = await search.search("parking space number 7", ANN)
    together = await asyncio.gather(*(search.search("parking space number 7", ANN) for _ in range(40)))
    assert all(found == alone for found in together)


async def test_asks_the_database_no_more_than_it_must(
    engine: Engine, everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    store(everyone, "a.md", ["parking is free"])
    indexes.step()
    await search.search("parking", ANN)
    asked = []
    event.listen(engine, "after_cursor_execute", lambda *arguments: asked.append(str(arguments[2]).split()[0]))
    assert len(await search.search("parking", ANN)) == 1
    # The newest change and vectors in one transaction; the newest change, and the texts with their rights, in another.
    assert sorted(asked) == ["BEGIN", "BEGIN", "SELECT", "SELECT", "SELECT", "SELECT"]
