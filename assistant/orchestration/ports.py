"""What a turn needs from the rest of the product, as protocols: search, models, memory, prompts, attachments."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from assistant.models.errors import ModelError
from assistant.models.policy.situation import Decision, Strategy
from assistant.models.types import ChatModel, ModelRequest, Piece
from assistant.orchestration.compose import Prompts, load_prompts
from assistant.orchestration.draft import Orchestrator
from assistant.orchestration.earlier import NOTHING_EARLIER, Earlier
from assistant.orchestration.prompts import Message
from assistant.types import Route, Turn
from knowledge.types import Scope, SearchResult

# (scope, conversation id) -> the name of its collection of attachments, None without one
Attachments = Callable[[Scope, str], Awaitable[str | None]]


class Search(Protocol):
    """Finds passages; see knowledge/search.py."""

    async def search_detailed(
        self, query: str, scope: Scope, collections: tuple[str, ...] | None = None, limit: int = 8
    ) -> SearchResult:
        """Return the passages closest to `query` that `scope` may read, best first, with what was searched."""
        ...

    def version(self) -> int:
        """Return a number that changes with every document and every right on one; may read the database."""
        ...

    def unread(self, scope: Scope, collections: tuple[str, ...] | None = None) -> int:
        """Return how many documents that `scope` may read there cannot be found yet; may read the database."""
        ...


@dataclass(frozen=True, slots=True)
class Rival:
    """One of two models that are both asked, so that the better answer is given."""

    name: str
    model: ChatModel
    route: Route


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that is to answer: one endpoint, or a router that stands for several."""

    model: ChatModel
    route: Route  # of the endpoint that is tried first, with the reason for it
    tools: bool = False  # whether that endpoint calls functions by itself
    sees: bool = False  # whether it takes pictures
    strategy: Strategy = "usual"  # which prompt answers
    decision: Decision | None = None  # how it was chosen, where the choice may differ from the table's
    rivals: tuple[Rival, ...] = ()  # asked both in place of `model`, which answers where neither of them does


class Models(Protocol):
    """Chooses who answers."""

    async def choose(self, turn: Turn) -> Choice:
        """Return the model for a turn within milliseconds; asks nobody. Raises ModelError when there is none."""
        ...


class Gate(Protocol):
    """The way to the orchestrator, which may still be loading."""

    async def ready(self) -> Orchestrator:
        """Return the orchestrator. Raises KernelUnavailable when there will be none."""
        ...


@dataclass(frozen=True, slots=True)
class Recalled:
    """A note of the person who asks, recalled for a question."""

    text: str
    kind: Literal["fact", "preference"]
    closeness: float  # to the question, up to 1.25; 1 for a preference, which always counts


class Memory(Protocol):
    """What people asked to be remembered; see memory/memories.py."""

    async def told(self, turn: Turn) -> str | None:
        """Return the answer to a question that asks to remember or forget something; None to any other."""
        ...

    async def acknowledged(self, turn: Turn) -> str | None:
        """Return the reply to a message that does nothing but tell something; None to any other."""
        ...

    async def recall(self, question: str, scope: Scope) -> tuple[Recalled, ...]:
        """Return what the scope's person asked to be remembered and fits the question, most important first."""
        ...


class Talk(Protocol):
    """The chat that a turn stands in; see earlier/chats.py."""

    async def earlier(self, turn: Turn) -> Earlier:
        """Return what was said earlier in the turn's own chat and fits its question."""
        ...


class PromptSource(Protocol):
    """Where a turn's prompts come from; see promptbook/book.py."""

    async def chosen(self, route: Route, named: str = "") -> Prompts:
        """Return the live prompts for a route; one that is `named` takes its job's place."""
        ...


class NoMemory:
    """The memory of an installation, or of a measurement, that remembers nobody."""

    async def told(self, turn: Turn) -> str | None:
        """Return None: nothing is understood as meant for a memory."""
        return None

    async def acknowledged(self, turn: Turn) -> str | None:
        """Return None: what is told is a question like any other."""
        return None

    async def recall(self, question: str, scope: Scope) -> tuple[Recalled, ...]:
        """Return nothing."""
        return ()


class NoTalk:
    """Where no chats are kept, or none is to be read."""

    async def earlier(self, turn: Turn) -> Earlier:
        """Return nothing."""
        return NOTHING_EARLIER


class FixedPrompts:
    """The same prompts for every route: those that ship, or those that are tried out."""

    def __init__(self, prompts: Prompts | None = None) -> None:
        """Give `prompts`, by default those that ship."""
        self._prompts = prompts or load_prompts()

    async def chosen(self, route: Route, named: str = "") -> Prompts:
        """Return the prompts."""
        return self._prompts


class OneModel:
    """The choice of an installation with one model."""

    def __init__(self, model: ChatModel, route: Route, tools: bool = False) -> None:
        """Choose `model`, whatever is asked."""
        self._choice = Choice(model, route, tools)

    async def choose(self, turn: Turn) -> Choice:
        """Return the one model."""
        return self._choice


class Absent:
    """The model of an installation, or of a wish, for which there is none: it refuses everything."""

    name = "none"  # a service of the kernel must have some name
    context_tokens = 8192

    def __init__(self, error: ModelError) -> None:
        """Refuse with `error`."""
        self._error = error

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Raise the error."""
        raise self._error
        yield Piece()  # makes this a generator

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Return 0: anything fits."""
        return 0


async def no_attachments(scope: Scope, conversation_id: str) -> str | None:
    """Return None: nothing is ever attached."""
    return None


async def chosen(models: Models, turn: Turn) -> Choice:
    """Return the model for a turn; without any, one that refuses, so that passages are still found and quoted."""
    try:
        return await models.choose(turn)
    except ModelError as error:
        return Choice(Absent(error), Route("", None, "none", ""))
