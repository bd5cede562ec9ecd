"""The nouns of a chat turn, in the order in which they come to be (docs/architecture.md draws it)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Literal

from assistant.models.types import Policy, Sampling, Usage
from assistant.orchestration.prompts import Message
from knowledge.types import Passage, Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, established once at the door and never taken from a message."""

    user_id: str
    name: str
    scope: Scope
    is_admin: bool = False
    credential: Literal["session", "key", "widget", "local"] = "session"
    skills: frozenset[str] | None = None  # names of those that count where the caller is; None: all open to them


Decision = tuple[str, bool]  # id of a call that waits for approval, and whether it may run


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that came with a question."""

    media_type: str  # "image/png", "image/jpeg" or "image/webp"
    data: bytes

    @property
    def url(self) -> str:
        """Return it as a data URL."""
        return f"data:{self.media_type};base64,{b64encode(self.data).decode()}"


@dataclass(frozen=True, slots=True)
class Persona:
    """What an assistant of the gallery adds to how a turn is asked."""

    id: str
    name: str
    prompt: str = ""  # name of a prompt of the library; "": the usual one
    instructions: str = ""  # stand behind the prompt's own text
    foreign: bool = False  # somebody else than the caller wrote the instructions


CHOSEN_BY_US = "assistant"  # in place of a model's name: we choose the route


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """What the caller may choose for a turn."""

    model: str = CHOSEN_BY_US
    collections: tuple[str, ...] | None = None  # names; None: all that the caller may read
    grounded: bool = True  # False: plain chat without retrieval
    conversation_id: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    max_passages: int = 4  # 1..20
    fresh: bool = False  # True: never answered from the cache, as when an answer is regenerated
    decisions: tuple[Decision, ...] = ()  # in place of a question: what the person decided about calls that wait
    reply: str = ""  # the answer itself, where the door knows it: neither documents, skills nor models are asked
    memory: bool = False  # True: the caller's own notes may be recalled, and notes taken
    temporary: bool = False  # True: nothing that is said is stored anywhere: no record, no cache, no notes, no skills
    policy: Policy = field(default_factory=Policy)
    pictures: tuple[Picture, ...] = ()  # that came with the question
    given: tuple[Passage, ...] = ()  # passages that the question brings along: the text on its pictures
    persona: Persona | None = None  # the assistant of the gallery that is asked
    heard: tuple[Step, ...] = ()  # what was understood of the question before its turn: recordings, a prompt's name
    notice: str = ""  # what the answer has to tell in any case


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of one caller, with what was said before."""

    id: str
    question: str
    history: tuple[Message, ...]
    caller: Caller
    options: TurnOptions


@dataclass(frozen=True, slots=True)
class Route:
    """Which model answered, and how it was asked."""

    model: str
    adapter: str | None
    tier: Literal["domain", "fallback", "other", "none"]
    strategy: str  # name of the prompt
    reason: str = field(default="", compare=False)  # why this one was asked, one sentence; "" where there was no choice


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done on the way to the answer, shown to the user."""

    name: str  # "condense", "search", "draft", "check", "choose", "skill", ...
    detail: str  # one sentence
    ms: float


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered reference of an answer to the passage that it rests on."""

    n: int  # 1-based, as printed in the answer
    document: str  # document id
    title: str
    page: int | None
    chunk: str  # chunk id
    quote: str  # at most 600 characters of the passage
    heading: str = ""
    path: str = ""
    collection: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture that a skill had made for the answer; `GET /api/pictures/{id}` has it for who asked."""

    id: str
    shows: str  # what it was asked to show, at most 300 characters


ApprovalState = Literal["waiting", "running", "done", "failed", "refused", "expired", "interrupted"]


@dataclass(frozen=True, slots=True)
class CallToApprove:
    """A call of a skill that a person has to approve: exactly what would run, and what became of it."""

    id: str
    skill: str
    arguments: dict[str, Any]
    state: ApprovalState
    expires_at: float  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets. An abstention is an answer, not an error."""

    text: str
    citations: tuple[Citation, ...]
    abstained: bool
    grounded: bool  # every sentence was found in the passages it cites
    degraded: bool  # no model could answer: the passages speak for themselves
    route: Route
    steps: tuple[Step, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    nearest: tuple[Passage, ...] = ()  # offered when the answer abstains
    suggestions: tuple[str, ...] = ()
    notice: str | None = None  # one sentence when something did not go as usual
    searched: tuple[str, ...] = ()  # names of the collections that were searched
    stopped_by: str = "stop"
    pictures: tuple[Drawn, ...] = ()  # that skills had made
    approvals: tuple[CallToApprove, ...] = ()  # the turn goes on when the person has decided about them


@dataclass(frozen=True, slots=True)
class Event:
    """What happens while a turn runs: a step, released text, a notice, and finally the answer."""

    kind: Literal["step", "text", "notice", "answer"]
    text: str = ""
    step: Step | None = None
    citations: tuple[Citation, ...] = ()  # of a text event: those that this text is the first to use
    answer: Answer | None = None
