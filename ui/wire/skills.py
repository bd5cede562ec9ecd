"""Skills: what the assistant can do, where it comes from, what was called, and what waits for approval."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from ui.wire.base import Epoch, Wire


class Approval(Wire):
    """A call that a person has to approve, exactly as it would run."""

    id: str
    skill: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    state: str = "waiting"
    created_at: Epoch | None = None
    expires_at: Epoch = 0.0
    question: str = ""  # for which it was to be called; "" where the card stands below it
    result: str = ""


class Skill(Wire):
    """Something that the assistant can do."""

    name: str
    description: str = ""
    effect: Literal["read", "write"] = "read"
    source: str = ""
    readers: tuple[str, ...] = ()  # administrators see them
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    enabled: bool = True
    rule: Literal["allow", "ask", "deny"] | None = None
    usable: bool = True
    asks: bool = False  # a call waits for approval


class LongCall(Wire):
    """A call that takes minutes: how far it is, or what it came to."""

    id: str
    skill: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    state: str = "running"
    done: float | None = Field(default=None, ge=0, le=1)  # None: not known
    note: str = ""
    result: str = ""
    updated_at: Epoch = 0.0


class SkillSource(Wire):
    """Where skills come from, and whether that works."""

    source: str
    ok: bool = True
    skills: int = 0
    left_out: tuple[str, ...] = ()
    problem: str = ""
    file: str | None = None  # its name among those that were added here, which can be removed
    to_approve: bool = False
    connecting: bool = False  # nothing can be said of it yet
    origin: str = ""  # where a document or a server came from


class TestedSource(Wire):
    """What came of the test of a source."""

    tested: str = ""


class SkillCallLine(Wire):
    """A call, as the audit log keeps it."""

    at: Epoch = 0.0
    skill: str = ""
    user_id: str = ""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    approved: bool = False
    status: str = ""
    text: str = ""
    ms: float = 0.0


class CallResult(Wire):
    """What a call by hand came to."""

    status: str
    text: str = ""
    ms: float = 0.0
    approval: Approval | None = None
