"""Context: the question made to stand alone, and the passages that the search found for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.orchestration.condense import Standalone
from assistant.orchestration.ports import Search
from knowledge.types import Passage, Scope, SearchResult

ATTACHED = "the attached files"  # their collection has a name that nobody gave it


@dataclass(frozen=True, slots=True)
class Context:
    """What a draft is made from."""

    standalone: Standalone
    passages: tuple[Passage, ...]  # best first; numbered from 1 in this order
    searched: tuple[str, ...]  # names of the collections
    attached: frozenset[str] = frozenset()  # chunks that the person gave with the chat or the question
    notice: str | None = None  # one sentence when a part of the search could not answer


async def gather(
    search: Search,
    standalone: Standalone,
    scope: Scope,
    collections: tuple[str, ...] | None,
    attached: str | None,
    limit: int,
) -> Context:
    """Return the context of a question: at most `limit` passages, from attachments first, then in order of rank.

    Every query is searched for in the chosen collections and in the conversation's attachments, all at the same time.
    Raises KnowledgeError when the search cannot answer.
    """
    places = [collections] if attached is None else [(attached,), collections]
    searches = [search.search_detailed(query, scope, place, limit) for place in places for query in standalone.queries]
    results: Sequence[SearchResult] = await asyncio.gather(*searches)
    passages = interleaved([result.passages for result in results])[:limit]
    own = 0 if attached is None else len(standalone.queries)  # these results come first, from the attachments
    names = {name: ATTACHED for result in results[:own] for name in result.searched}
    searched = dict.fromkeys(names.get(name, name) for result in results for name in result.searched)
    notice = next((result.notice for result in results if result.notice), None)
    given = frozenset(passage.chunk_id for result in results[:own] for passage in result.passages)
    return Context(standalone, tuple(passages), tuple(searched), given, notice)


def interleaved(rankings: Iterable[Sequence[Passage]]) -> list[Passage]:
    """Return the passages of several rankings by rank, then in the order of the rankings, each chunk once."""
    lists = [list(ranking) for ranking in rankings]
    deepest = max((len(ranking) for ranking in lists), default=0)
    found: dict[str, Passage] = {}
    for rank in range(deepest):
        for ranking in lists:
            if rank < len(ranking):
                found.setdefault(ranking[rank].chunk_id, ranking[rank])
    return list(found.values())
