"""The guards of every call, in their order: one list, from which a registry is composed.

The order is part of the protection: what is inside of `permission` runs only once a call is permitted, and the audit
sees everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skills.guard import Decision, Rule, permission
from skills.types import Skill, SkillCall, Tracker
from skills.wrap import (
    AuditLine,
    audited,
    breaking,
    capped,
    checked,
    contained,
    permitted,
    rated,
    redacted,
    tracked,
    within,
)

Guard = Callable[[Skill], Skill]  # gives a skill of the same name with a narrower `run`
Decide = Callable[[Skill, SkillCall, Rule | None], Decision]


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What one call, and one person's calls, may take."""

    timeout_s: float
    max_chars: int
    max_bytes: int
    per_minute: int
    long_timeout_s: float = 3_600.0  # for skills that are declared as long


@dataclass(frozen=True, slots=True)
class Terms:
    """What guards are made from."""

    limits: CallLimits
    rule: Callable[[str], Rule | None]  # an administrator's rule for a skill, as it is now
    readers: Callable[[str], frozenset[str] | None]  # as an administrator has set them; None: the skill's own
    hidden: Callable[[], list[str]]  # stored secrets
    audit: Callable[[AuditLine], None]
    tracker: Tracker | None


Compose = Callable[[Terms], dict[str, Guard]]


def standard(terms: Terms, decide: Decide = permission) -> dict[str, Guard]:
    """Return the guards of the product by name, the innermost first; `decide` says whether a call may run."""
    limits = terms.limits

    def timed(skill: Skill) -> Skill:
        return within(skill, limits.long_timeout_s if "long" in skill.tags else limits.timeout_s)

    def kept(skill: Skill) -> Skill:
        return tracked(skill, terms.tracker) if terms.tracker is not None and "long" in skill.tags else skill

    return {
        "time": timed,
        "errors": contained,
        "secrets": lambda skill: redacted(skill, terms.hidden),
        "size": lambda skill: capped(skill, limits.max_chars, limits.max_bytes),
        "long calls": kept,  # what it keeps is redacted, capped and was permitted
        "rest": breaking,
        "permission": lambda skill: permitted(skill, terms.rule, terms.readers, decide),
        "rate": lambda skill: rated(skill, limits.per_minute),  # a call that waits for approval is stored: it counts
        "arguments": checked,
        "audit": lambda skill: audited(skill, terms.audit),
    }
