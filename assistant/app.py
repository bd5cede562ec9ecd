"""Every object of the server process, built once. Below here code receives plain objects and never looks for them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sqlalchemy import Engine

from assistant.calling.service import SkillService
from assistant.kept import KeptAnswers
from assistant.measuring import Measuring
from assistant.memory.memories import Memories
from assistant.models.adapters import Adapters
from assistant.models.registry import Registry
from assistant.models.types import ModelStatus as ModelStatus
from assistant.promptbook.book import PromptBook
from assistant.promptbook.playground import Playground
from assistant.secret_file import Secrets
from assistant.settings import Settings
from assistant.speech import Speech
from assistant.types import Event, Turn
from ingest.files import FileStore
from knowledge.follow import IndexStatus
from knowledge.types import Embedder, Scope, SearchResult

VERSION = "0.1.0"


class TurnRunner(Protocol):
    """Answers questions: assistant/turn.py in the product, a scripted one in tests."""

    def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """Yield what happens and at last the answer; closing the generator ends the work."""
        ...


class Searcher(Protocol):
    """Finds passages; see knowledge/search.py."""

    async def search_detailed(
        self, query: str, scope: Scope, collections: tuple[str, ...] | None = None, limit: int = 8
    ) -> SearchResult:
        """Return the passages closest to `query` that `scope` may read, with what was searched and how long it took."""
        ...


class Models(Protocol):
    """The language models that may be asked for by name."""

    def status(self) -> Sequence[ModelStatus]:
        """Return every model with its health as last seen; takes no time."""
        ...


class Indexes(Protocol):
    """The search indexes, which follow the database."""

    def status(self) -> Sequence[IndexStatus]:
        """Return how each index is doing; takes no time."""
        ...


class Service(Protocol):
    """Something that runs as long as the server does."""

    name: str

    async def start(self) -> None:
        """Begin; return when it is safe to go on, not when everything is warm."""
        ...

    async def stop(self) -> None:
        """End, within seconds."""
        ...

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return how it is, with a sentence for operators."""
        ...


@dataclass(slots=True)
class App:
    """The whole application, ready for its doors."""

    settings: Settings
    engine: Engine
    secrets: Secrets
    turns: TurnRunner
    searcher: Searcher
    indexes: Indexes
    embedder: Embedder
    files: FileStore
    models: Models
    skills: SkillService
    memories: Memories
    prompts: PromptBook
    playground: Playground
    kept: KeptAnswers
    registry: Registry
    adapters: Adapters
    speech: Speech
    measuring: Measuring = field(default_factory=Measuring)
    services: list[Service] = field(default_factory=list)

    async def start(self) -> None:
        """Start the services in order; when one fails, those before it are stopped again and its error is raised."""
        for position, service in enumerate(self.services):
            try:
                await service.start()
            except BaseException:
                for earlier in reversed(self.services[:position]):
                    await earlier.stop()
                raise

    async def stop(self) -> None:
        """Stop the services, last one first."""
        await self.measuring.stop()
        await self.playground.stop()
        for service in reversed(self.services):
            await service.stop()
