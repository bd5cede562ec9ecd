"""Conversations and answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ui.wire.assistants import ChatAssistant
from ui.wire.base import Epoch, Wire
from ui.wire.library import Hit
from ui.wire.skills import Approval

Rating = Literal["up", "down"]


class Citation(Wire):
    """A numbered reference of an answer to the passage that it rests on."""

    n: int
    document: str = ""
    title: str = ""
    page: int | None = None
    chunk: str
    quote: str = ""
    heading: str = ""
    path: str = ""
    collection: str = ""
    readable: bool = True  # False in a shared chat: a source that this person may not open, of which only `n` is told


class Step(Wire):
    """Something that was done on the way to the answer."""

    name: str
    detail: str = ""
    ms: float = 0.0


class Route(Wire):
    """Which model answered, and how it was asked."""

    model: str = ""
    adapter: str | None = None
    tier: str = ""
    strategy: str = ""


class Feedback(Wire):
    """What a person thought of an answer."""

    rating: Rating | None = None
    reason: str | None = None
    comment: str | None = None


class Drawn(Wire):
    """A picture that a skill had made for the answer."""

    id: str
    shows: str = ""


class Outcome(Wire):
    """All that belongs to an answer besides its text; the last chunk of a stream carries it."""

    conversation_id: str | None = None
    turn_id: str | None = None
    citations: tuple[Citation, ...] = ()
    abstained: bool = False
    grounded: bool = True
    degraded: bool = False
    route: Route = Route()
    steps: tuple[Step, ...] = ()
    timings_ms: dict[str, float] = Field(default_factory=dict)
    notice: str | None = None
    suggestions: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    nearest: tuple[Hit, ...] = ()
    stopped_by: str = "stop"
    pictures: tuple[Drawn, ...] = ()  # that skills had made
    approvals: tuple[Approval, ...] = ()  # calls of skills that the turn waits, or waited, for
    text: str | None = None  # the whole answer, where it is not what was streamed
    feedback: Feedback | None = None


class Answer(Outcome):
    """A stored answer."""

    answer: str = ""
    created_at: Epoch | None = None


class Turn(Wire):
    """One question with one version of its answer."""

    id: str
    question: str
    status: Literal["running", "done", "stopped", "failed"] = "done"
    answer: Answer | None = None  # None while it runs, and when it failed before anything was said
    version: int = 1  # 1-based, which of `versions` this one is
    versions: int = 1
    version_ids: tuple[str, ...] = ()  # turn ids of all versions, oldest first


class ConversationHead(Wire):
    """A conversation in the list."""

    id: str
    title: str = ""
    updated_at: Epoch = 0.0
    pinned: bool = False
    shared: bool = False  # whether colleagues may open it by link
    folder: str = ""  # "" for none


class Link(Wire):
    """A link to a shared chat."""

    id: str
    created_at: Epoch = 0.0
    turns: int = 0


class SharedTurn(Wire):
    """A question and its answer in a shared chat."""

    question: str
    answer: Answer


class SharedChat(Wire):
    """A chat that somebody shared, as it was then."""

    title: str = ""
    by: str = ""
    created_at: Epoch = 0.0
    turns: tuple[SharedTurn, ...] = ()


class Manner(Wire):
    """How answers are worded; what is None is as usual."""

    preset: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    json_schema: dict[str, object] | None = None


class Conversation(Wire):
    """A conversation with its turns, oldest first."""

    id: str
    title: str = ""
    memory: bool = True  # False: nothing is recalled or remembered in it
    manner: Manner = Manner()
    assistant: ChatAssistant | None = None
    turns: tuple[Turn, ...] = ()


class Said(Wire):
    """What was said in a recording."""

    text: str
