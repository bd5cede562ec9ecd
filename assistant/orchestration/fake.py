"""Stand-ins for the parts around a turn: an orchestrator without semantic-kernel, and a search over a list."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from assistant.guardrails.words import content
from assistant.models.types import ChatModel, ModelRequest, Piece
from assistant.orchestration.draft import Orchestrator, Permit
from assistant.orchestration.prompts import Message
from knowledge.types import Passage, Scope, SearchResult
from skills.types import Skill


class DirectOrchestrator:
    """Asks models directly and knows no functions."""

    async def stream(self, model: ChatModel, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the reply of `model`."""
        pieces = model.stream(request)
        if isinstance(pieces, AsyncGenerator):
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece

    def offer(self, skills: Sequence[Skill]) -> frozenset[str]:
        """Take none."""
        return frozenset()

    def tools(self, permit: Permit) -> tuple[dict[str, Any], ...]:
        """Return nothing."""
        return ()

    async def call(self, call: Mapping[str, Any], permit: Permit, used: int) -> Message:
        """Answer that there is no such function."""
        return Message("tool", "There is no such function.", tool_call_id=str(call.get("id") or ""))


class OpenGate:
    """A gate that is open from the start."""

    def __init__(self, orchestrator: Orchestrator | None = None) -> None:
        """Lead to `orchestrator`, a DirectOrchestrator by default."""
        self._orchestrator = orchestrator or DirectOrchestrator()

    async def ready(self) -> Orchestrator:
        """Return the orchestrator at once."""
        return self._orchestrator


class ListSearch:
    """Searches a list of passages by common words, under the readers of each one's collection."""

    def __init__(self, passages: Sequence[Passage], readers: Mapping[str, str] | None = None) -> None:
        """`readers` gives the principal that may read a collection (by id); "everyone" where it gives none."""
        self.passages = list(passages)
        self.queries: list[str] = []
        self.changes = 1
        self.waiting: dict[str, int] = {}
        self._readers = dict(readers or {})

    def version(self) -> int:
        """Return the number of changes."""
        return self.changes

    def unread(self, scope: Scope, collections: tuple[str, ...] | None = None) -> int:
        """Return how many of the `waiting` documents, by collection, `scope` may read."""
        seen = [name for name in self.waiting if self._may_read(scope, name)]
        return sum(self.waiting[name] for name in seen if collections is None or name in collections)

    async def search_detailed(
        self, query: str, scope: Scope, collections: tuple[str, ...] | None = None, limit: int = 8
    ) -> SearchResult:
        """Return the passages that share most words with `query`; passages that share none come last, in order."""
        self.queries.append(query)
        seen = [p for p in self.passages if self._may_read(scope, p.collection_id)]
        if collections is not None:
            seen = [passage for passage in seen if passage.collection_id in collections]
        wanted = frozenset(content(query))
        best = sorted(seen, key=lambda p: -len(wanted & frozenset(content(f"{p.title} {p.text}"))))
        searched = tuple(dict.fromkeys(passage.collection_id for passage in seen))
        return SearchResult(best[:limit], searched, len(seen))

    def _may_read(self, scope: Scope, collection: str) -> bool:
        return scope.sees_all or self._readers.get(collection, "everyone") in scope.principals
