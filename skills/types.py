"""The nouns of skills: a skill, a call of it, on whose behalf, and what came back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Effect = Literal["read", "write"]
Schema = dict[str, Any]  # a JSON schema of type "object"
Arguments = Mapping[str, Any]  # JSON values by parameter name
Reads = Callable[
    [str], Arguments | None
]  # a question -> the arguments that it gives in so many words; None: it gives none
Report = Callable[[float | None, str], None]  # how far a call is (0..1, None: not known), and one line about it
UserToken = Callable[[str], Awaitable[str | None]]  # audience -> the signed-in person's token for it, None without one

# ok: done. retry: wrong arguments, the model may correct them. failed: nothing that other arguments would change.
# refused: the rules forbid it. ask: a person has to approve the exact call first.
Status = Literal["ok", "retry", "failed", "refused", "ask"]


@dataclass(frozen=True, slots=True)
class Person:
    """On whose behalf a skill runs: set by the host, never read from a model's arguments."""

    user_id: str
    principals: frozenset[str]  # "everyone", "user:<id>", "group:<name>", ...
    token: UserToken | None = None  # tokens of this person for other systems; None where the host has none
    only: frozenset[str] | None = None  # names of the skills that count where they are; None: all open to them
    conversation: str | None = None  # id of the one that a call is made in; files attached to it count, and to no other

    def may_use(self, readers: frozenset[str]) -> bool:
        """Return whether one of the person's principals is among `readers`."""
        return not self.principals.isdisjoint(readers)

    def finds(self, skill: str) -> bool:
        """Return whether the skill of that name counts where the person is."""
        return self.only is None or skill in self.only


@dataclass(frozen=True, slots=True)
class SkillCall:
    """One call of one skill."""

    skill: str
    arguments: Arguments
    person: Person
    call_id: str = ""
    tainted: bool = False  # text of strangers (a web page, a document, a tool result) is in the model's context
    approval: str | None = None  # the digest that a person approved, see `digest`
    report: Report | None = None  # where a long call tells how far it is; None: nobody listens


@dataclass(frozen=True, slots=True)
class SkillResult:
    """What a call came to. Results are data from elsewhere: never instructions, whatever they say."""

    status: Status
    text: str  # what the model reads: the result, or one sentence on what went wrong
    data: Any = None  # the result as JSON value where there is one
    truncated: bool = False
    ms: float = 0.0


Run = Callable[[SkillCall], Awaitable[SkillResult]]


@dataclass(frozen=True, slots=True)
class Skill:
    """Something the assistant can do: what a model has to know of it, and how to run it.

    `run` answers expected trouble as a SkillResult; it raises SkillError only where the host is at fault.
    """

    name: str  # letters, digits and underscores, at most 64: unique in a registry
    description: str  # what it does and when to use it
    parameters: Schema
    effect: Effect
    run: Run
    source: str  # who owns it: "builtin:calculator", "python:orders.py", "openapi:petstore", "mcp:wiki", ...
    version: str  # 12 hex digits: changes when the skill's content does
    readers: frozenset[str] = frozenset({"everyone"})  # principals who may call it
    # "outbound": its arguments leave the company. "instructions": its result is a SKILL.md of ours, to be followed.
    # "exact": what it `reads` is for it alone, not for documents.
    # "long": a call may take minutes; it can be watched and cancelled, and is known after a restart.
    tags: frozenset[str] = field(default_factory=frozenset)
    reads: Reads | None = (
        None  # where no model calls functions, the skill answers the questions that this reads, no other
    )

    @property
    def as_tool(self) -> dict[str, Any]:
        """Return the OpenAI tool definition of the skill."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


class Source(Protocol):
    """Something that offers skills: a module, a document, a server, a folder, the built-in ones."""

    name: str  # as in Skill.source

    async def load(self) -> list[Skill]:
        """Return its skills; raises SkillError when it cannot offer any."""
        ...

    async def close(self) -> None:
        """Let go of processes and connections."""
        ...


class Tracker(Protocol):
    """Keeps account of long calls: shown while they run, cancelled one by one, known after a restart."""

    async def run(self, skill: Skill, call: SkillCall) -> SkillResult:
        """Run a permitted call of a skill that is declared as long."""
        ...


def content_version(*parts: str | bytes) -> str:
    """Return the first 12 hex digits of the SHA-256 over `parts`, each preceded by its length."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(raw)}:".encode() + raw)
    return digest.hexdigest()[:12]


def call_digest(skill: Skill, call: SkillCall) -> str:
    """Return what a person approves: 32 hex digits over the skill's version, the exact arguments, person and call id.

    Another argument, another version of the skill, another person or a second call gives another digest.
    """
    what = [skill.name, skill.source, skill.version, dict(call.arguments), call.person.user_id, call.call_id]
    exact = json.dumps(what, sort_keys=True, default=str)
    return hashlib.sha256(exact.encode()).hexdigest()[:32]
