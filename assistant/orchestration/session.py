"""Who calls skills within one turn, on what terms, and what has come of it. The host makes it; no argument reaches it.

Needs none of semantic-kernel, so that a turn can hold a session without waiting for its import.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from skills.guard import new_marker, quoted
from skills.types import Person, Report, Skill, SkillResult

_TOLD_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that waits for a person's approval: what would run, to the letter."""

    call_id: str
    skill: str
    arguments: dict[str, Any]
    digest: str
    tainted: bool  # whether text of strangers was in the context when the call was made


@dataclass(frozen=True, slots=True)
class Called:
    """A call that was made, for the steps shown to the person."""

    call_id: str
    skill: str
    arguments: dict[str, Any]
    result: SkillResult


@dataclass(slots=True)
class SkillSession:
    """The calls of one turn."""

    person: Person
    max_calls: int
    turn_id: str = ""  # begins the id of every call: the approval of one turn's call never fits another's
    tainted: bool = False  # text of strangers is in the context; any result of a skill makes it so
    approvals: dict[str, str] = field(default_factory=dict)  # approved digest by call id
    marker: str = field(default_factory=new_marker)
    called: list[Called] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)  # one key per call, in the order of their beginning
    tell: Callable[[str], None] | None = None  # where a running call says how far it is, in one line

    def call_id(self, given: str) -> str:
        """Return the id of a call that a model, or a plan, names `given`."""
        return f"{self.turn_id}:{given}" if self.turn_id else given


def reporting(tell: Callable[[str], None] | None, skill: str) -> Report | None:
    """Return how a call of `skill` says how far it is: once a second at most, and only what has changed."""
    if tell is None:
        return None
    said, at = "", 0.0

    def report(done: float | None, note: str) -> None:
        nonlocal said, at
        line = f"{skill}: {', '.join(part for part in ('' if done is None else f'{done:.0%}', note) if part)}"
        if line != said and line != f"{skill}: " and time.monotonic() - at >= _TOLD_EVERY_S:
            said, at = line, time.monotonic()
            tell(line)

    return report


def call_key(skill: str, arguments: Mapping[str, object]) -> str:
    """Return what two calls have in common exactly when they are the same."""
    return json.dumps([skill, dict(arguments)], sort_keys=True, default=str)


def shown(result: SkillResult, skill: Skill, marker: str) -> str:
    """Return what a model reads of a result: strangers' words between markers, our own sentences as they are."""
    if result.status == "ok" and "instructions" not in skill.tags:
        return quoted(result.text, skill.name, marker)
    if result.status == "retry":
        return f"{quoted(result.text, skill.name, marker)}\nCorrect the arguments and call it again, or say why not."
    return result.text
