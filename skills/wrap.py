"""Small wrappers around a skill: each takes one and returns one with the same name and a narrower `run`.

`registry.py` puts them around every skill, built-in or not; their order there is part of the protection.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from skills.errors import SkillError, SkillRefusal
from skills.guard import Decision, Rule, permission
from skills.schema import check
from skills.types import Person, Skill, SkillCall, SkillResult, Status, Tracker, call_digest

log = logging.getLogger(__name__)
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One call, as it is kept: who, what exactly, on what ground, and what it came to."""

    at: float  # epoch seconds
    skill: str
    source: str
    version: str
    user_id: str
    call_id: str
    arguments: dict[str, Any]
    approved: bool
    tainted: bool
    status: Status
    text: str  # at most 500 characters of the result
    ms: float


def only(skills: Iterable[Skill], names: frozenset[str]) -> list[Skill]:
    """Return those of `skills` whose name is among `names`; no names: no skills."""
    return [skill for skill in skills if skill.name in names]


def checked(skill: Skill) -> Skill:
    """Answer "retry" to arguments that do not fit the schema; correct obvious slips."""

    async def run(call: SkillCall) -> SkillResult:
        arguments, problems = check(skill.parameters, call.arguments)
        if problems:
            return SkillResult("retry", "Wrong arguments: " + "; ".join(problems))
        return await skill.run(replace(call, arguments=arguments))

    return replace(skill, run=run)


def permitted(
    skill: Skill,
    rule: Callable[[str], Rule | None],
    readers: Callable[[str], frozenset[str] | None],
    decide: Callable[[Skill, SkillCall, Rule | None], Decision] = permission,
) -> Skill:
    """Run only what `decide` allows.

    `rule` and `readers` (None: the skill's own) are asked at each call, so that a change counts at once. The result
    "ask" carries the digest to approve in its data.
    """

    async def run(call: SkillCall) -> SkillResult:
        decided = readers(skill.name)
        now = skill if decided is None else replace(skill, readers=decided)
        decision = decide(now, call, rule(skill.name))
        if decision == "deny":
            return SkillResult("refused", f"The skill {skill.name} may not be used here.")
        if decision == "ask":
            shown = {"skill": skill.name, "arguments": dict(call.arguments), "digest": call_digest(skill, call)}
            return SkillResult("ask", f"The call of {skill.name} waits for a person's approval.", data=shown)
        return await skill.run(call)

    return replace(skill, run=run)


def within(skill: Skill, timeout_s: float) -> Skill:
    """Stop a call after `timeout_s`."""

    async def run(call: SkillCall) -> SkillResult:
        try:
            async with asyncio.timeout(timeout_s):
                return await skill.run(call)
        except TimeoutError:
            return SkillResult("failed", f"{skill.name} did not answer within {timeout_s:g} s.")

    return replace(skill, run=run)


def contained(skill: Skill) -> Skill:
    """Turn what a skill raises into a result; what it says beyond our own errors goes to the log only."""

    async def run(call: SkillCall) -> SkillResult:
        try:
            return await skill.run(call)
        except SkillRefusal as exc:
            return SkillResult("retry", str(exc))
        except SkillError as exc:
            return SkillResult("failed", str(exc))
        except Exception as exc:  # noqa: BLE001 - a turn has to end with an answer whatever a skill does
            log.warning("skill %s raised", skill.name, exc_info=exc)
            return SkillResult("failed", f"{skill.name} failed ({type(exc).__name__}).")

    return replace(skill, run=run)


def rated(skill: Skill, per_minute: int, clock: Clock = time.monotonic) -> Skill:
    """Refuse a person's calls beyond `per_minute`; approved ones, which counted when they asked, have a count apart."""
    times: dict[tuple[str, bool], deque[float]] = {}

    async def run(call: SkillCall) -> SkillResult:
        now = clock()
        if len(times) > 10_000:  # people who called an hour ago need no memory
            times.clear()
        recent = times.setdefault((call.person.user_id, call.approval is not None), deque())
        while recent and recent[0] <= now - 60:
            recent.popleft()
        if len(recent) >= per_minute:
            return SkillResult("failed", f"{skill.name} was called {per_minute} times within a minute. Wait a little.")
        recent.append(now)
        return await skill.run(call)

    return replace(skill, run=run)


def breaking(skill: Skill, after: int = 3, rest_s: float = 30.0, clock: Clock = time.monotonic) -> Skill:
    """Leave a skill alone for `rest_s` after it failed a person `after` times in a row: a dead one costs no time.

    Others go on calling it: an address that leads nowhere, or a quota of one's own, says nothing about their calls.
    """
    failures: dict[str, int] = {}
    until: dict[str, float] = {}

    async def run(call: SkillCall) -> SkillResult:
        who = call.person.user_id
        if clock() < until.get(who, 0.0):
            return SkillResult("failed", f"{skill.name} failed {after} times in a row and rests for {rest_s:g} s.")
        if len(failures) > 10_000:  # who called an hour ago needs no memory
            failures.clear()
            until.clear()
        result = await skill.run(call)
        failures[who] = failures.get(who, 0) + 1 if result.status == "failed" else 0
        if failures[who] >= after:
            failures[who], until[who] = 0, clock() + rest_s
        return result

    return replace(skill, run=run)


def tracked(skill: Skill, tracker: Tracker) -> Skill:
    """Let `tracker` run the calls of a skill that is declared as long."""

    async def run(call: SkillCall) -> SkillResult:
        return await tracker.run(skill, call)

    return replace(skill, run=run)


def capped(skill: Skill, max_chars: int, max_bytes: int) -> Skill:
    """Cut the text that a model reads at `max_chars`, and drop data over `max_bytes` of text."""

    async def run(call: SkillCall) -> SkillResult:
        result = await skill.run(call)
        if len(result.text) <= max_chars:
            return result
        data = result.data if len(result.text) <= max_bytes else None
        cut = f"{result.text[:max_chars]}\n[cut: {len(result.text) - max_chars} more characters]"
        return replace(result, text=cut, data=data, truncated=True)

    return replace(skill, run=run)


def redacted(skill: Skill, hidden: Callable[[], Iterable[str]]) -> Skill:
    """Take stored secrets out of a result, should a far side send them back."""

    async def run(call: SkillCall) -> SkillResult:
        result = await skill.run(call)
        found = [secret for secret in hidden() if len(secret) >= 6 and secret in result.text]
        if not found:
            return result
        text = result.text
        for secret in found:
            text = text.replace(secret, "[secret]")
        return replace(result, text=text, data=None)

    return replace(skill, run=run)


def audited(skill: Skill, write: Callable[[AuditLine], None], clock: Clock = time.time) -> Skill:
    """Note every call, with its time taken, before its result is seen by anybody."""

    async def run(call: SkillCall) -> SkillResult:
        start = time.perf_counter()
        result = SkillResult("failed", "cancelled")
        try:
            result = await skill.run(call)
            result = replace(result, ms=(time.perf_counter() - start) * 1e3)
            return result
        finally:
            write(_line(skill, call, result, clock()))

    return replace(skill, run=run)


def _line(skill: Skill, call: SkillCall, result: SkillResult, at: float) -> AuditLine:
    return AuditLine(
        at=at,
        skill=skill.name,
        source=skill.source,
        version=skill.version,
        user_id=call.person.user_id,
        call_id=call.call_id,
        arguments=dict(call.arguments),
        approved=call.approval is not None,
        tainted=call.tainted,
        status=result.status,
        text=result.text[:500],
        ms=result.ms,
    )


def direct(person: Person, skill: str, **arguments: object) -> SkillCall:
    """Return a call as a person makes it by hand: nobody's text is in the context."""
    return SkillCall(skill, arguments, person)
