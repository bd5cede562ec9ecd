"""Search over the contexts that a question brings along: cut and ranked as the product does it, held in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter

from assistant.adaptation.neighbours import Embed, Pool
from assistant.evaluation.questions import Given
from assistant.threads import in_thread
from ingest.chunk import Chunker
from ingest.types import Block
from knowledge.types import Passage, Scope, SearchResult

COLLECTION = "given"

Cut = Callable[[str, str], Sequence[str]]  # title, text -> the texts of its chunks


class GivenSearch:
    """A search that knows the contexts of one question and nothing else."""

    def __init__(self, contexts: Sequence[Given], embed: Embed, cut: Cut) -> None:
        """Cut `contexts` into passages; a passage's document is the id that its file gives."""
        self._embed = embed
        self._passages = [
            Passage(f"{context.id}#{n}", context.id, COLLECTION, context.title, context.id, text, "", None, "", 0.0)
            for context in contexts
            for n, text in enumerate(cut(context.title, context.text))
        ]

    def version(self) -> int:
        """Return 0: nothing ever changes."""
        return 0

    def unread(self, scope: Scope, collections: tuple[str, ...] | None = None) -> int:
        """Return 0: all is given as text."""
        return 0

    async def search_detailed(
        self, query: str, scope: Scope, collections: tuple[str, ...] | None = None, limit: int = 8
    ) -> SearchResult:
        """Return at most `limit` passages, best first; whoever measures may read all of them."""
        started = perf_counter()
        order = await in_thread(self._order, query, limit) if self._passages else []
        ranked = [replace(self._passages[number], score=1 / (1 + rank)) for rank, number in enumerate(order)]
        took = {"search": (perf_counter() - started) * 1000}
        return SearchResult(ranked, (COLLECTION,), len(self._passages), took)

    def _order(self, query: str, limit: int) -> list[int]:
        return Pool([f"{p.title}\n{p.text}" for p in self._passages], self._embed).rank([query], limit)[0]


def cutter(chunker: Chunker) -> Cut:
    """Return a function that cuts a context as ingestion cuts a document."""

    def cut(title: str, text: str) -> list[str]:
        return [prepared.chunk.text for prepared in chunker.chunks(title, [Block("text", text)])]

    return cut
