"""A plan: the numbered steps of a task, what they wait for, and what became of them. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from skills.guard import plain, quoted

State = Literal["open", "done", "failed", "refused", "waiting"]
MAX_STEPS = 8  # of a task, those of revised plans included
_DO_CHARACTERS = 200
_OUTCOME_CHARACTERS = 1_500
_SHOWN_CHARACTERS = 300

_VERB = (
    "add|ask|book|calculate|check|close|comment|compare|compute|convert|count|create|delete|email|fetch|file|find|get|"
    "give|list|look|make|open|order|post|read|report|save|send|show|subtract|summari[sz]e|tell|translate|update|write|"
    "what|how|which|who|when|where"
)
_LISTED = re.compile(r"^\s*(?:\d+[.)]|[-*])\s+\S", re.M)
_SEVERAL = re.compile(
    rf"\b(?:and|,|;)\s+(?:then|also|after(?:wards| that))\b|\bthen\s+(?:{_VERB})\b|\b(?:first|finally|afterwards)\b,?\s"
    rf"|\band\s+(?:{_VERB})\b|[.;?!]\s+(?:then|next|after that|also|and)\b",
    re.I,
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "steps": {
            "type": "array",
            "maxItems": MAX_STEPS,
            "items": {
                "type": "object",
                "properties": {
                    "n": {"type": "integer"},
                    "do": {"type": "string", "maxLength": _DO_CHARACTERS},
                    "after": {"type": "array", "items": {"type": "integer"}, "maxItems": MAX_STEPS},
                },
                "required": ["n", "do", "after"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["steps"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of a plan."""

    n: int  # 1-based, as it is shown
    do: str
    after: tuple[int, ...] = ()  # steps whose results it needs
    state: State = "open"
    outcome: str = ""  # what came of it, at most 1,500 characters; words of results, so never to be trusted
    calls: tuple[str, ...] = ()  # ids of its calls that wait for approval


Plan = tuple[PlanStep, ...]


def several(question: str) -> bool:
    """Return whether a question reads as a task of several steps, so that a plan is worth asking for."""
    return len(_LISTED.findall(question)) > 1 or _SEVERAL.search(question) is not None


def read(reply: str, known: Plan = ()) -> Plan:
    """Return the steps that a model wrote as JSON; () when there is no usable one.

    They are numbered on from `known` in their order; a step can only wait for done steps of `known` and for steps that
    stand before it, so that no plan has a circle.
    """
    try:
        steps = json.loads(reply)["steps"]
        written = [(int(step["n"]), " ".join(str(step["do"]).split()), list(step["after"])) for step in steps]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
    last = max((step.n for step in known), default=0)
    numbers = {step.n: step.n for step in known if step.state == "done"}
    found: list[PlanStep] = []
    for n, do, after in written[: MAX_STEPS - len(known)]:
        if not do:
            continue
        last += 1
        needed = {numbers[each] for each in after if isinstance(each, int) and each in numbers}
        found.append(PlanStep(last, plain(do)[:_DO_CHARACTERS], tuple(sorted(needed))))
        numbers[n] = last
    return tuple(found)


def ready(plan: Plan) -> Plan:
    """Return the open steps that wait for nothing any more: they may run side by side."""
    done = {step.n for step in plan if step.state == "done"}
    return tuple(step for step in plan if step.state == "open" and done.issuperset(step.after))


def put(plan: Plan, step: PlanStep) -> Plan:
    """Return the plan with `step` in the place of the one with its number."""
    return tuple(step if each.n == step.n else each for each in plan)


def settled(step: PlanStep, state: State, outcome: str, calls: Sequence[str] = ()) -> PlanStep:
    """Return a step with what became of it."""
    return replace(step, state=state, outcome=outcome.strip()[:_OUTCOME_CHARACTERS], calls=tuple(calls))


def revised(plan: Plan, new: Plan) -> Plan:
    """Return the plan with `new` steps in place of those that are still open."""
    return (*(step for step in plan if step.state != "open"), *new)


def decided(plan: Plan, became: Mapping[str, tuple[State, str]]) -> Plan:
    """Return the plan with its waiting steps settled by what `became` of their calls, by call id."""
    return tuple(_decided(step, became) if step.state == "waiting" else step for step in plan)


def written(plan: Plan) -> str:
    """Return the steps in one line, as the turn's steps show them."""
    return "; ".join(f"{step.n}. {step.do}" for step in plan)


def so_far(plan: Plan, marker: str) -> str:
    """Return what a model reads of the steps up to now: outcomes between markers."""
    lines = [f"Step {step.n} ({step.do}): {step.state}\n{_outcome(step, marker)}" for step in plan if _told(step)]
    return "\n".join(["Done so far:", *lines]) if lines else ""


def report(plan: Plan) -> str:
    """Return what was done and what was not, as a Markdown list for the person."""
    lines = [f"{step.n}. {step.do}: {_became(step)}" for step in plan]
    return "\n".join(["**What was done**", "", *lines])


def to_json(plan: Plan) -> list[dict[str, Any]]:
    """Return the plan as JSON."""
    return [asdict(step) for step in plan]


def from_json(stored: Sequence[dict[str, Any]]) -> Plan:
    """Return the plan that `to_json` gave."""
    return tuple(PlanStep(**{**each, "after": tuple(each["after"]), "calls": tuple(each["calls"])}) for each in stored)


def _decided(step: PlanStep, became: Mapping[str, tuple[State, str]]) -> PlanStep:
    calls = [became[call] for call in step.calls if call in became]
    states = {state for state, _ in calls}
    state: State = "refused" if "refused" in states else "done" if states == {"done"} else "failed"
    return replace(settled(step, state, "\n".join(text for _, text in calls)), calls=())


def _told(step: PlanStep) -> bool:
    return step.state not in ("open", "waiting")


def _outcome(step: PlanStep, marker: str) -> str:
    return quoted(step.outcome, f"step {step.n}", marker) if step.outcome else ""


def _became(step: PlanStep) -> str:
    if step.state == "done":
        return "done"
    reasons = {"failed": step.outcome or "it did not work", "refused": "you refused it", "waiting": "waits for you"}
    reason = " ".join(plain(reasons.get(step.state, "a step before it was not done")).split())
    return f"not done ({reason[:_SHOWN_CHARACTERS]})"
