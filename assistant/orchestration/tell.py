"""How calls of skills are told to people: a step, an answer made of results, a call that waits. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assistant.orchestration.drawing import picture_of
from assistant.orchestration.session import Called
from assistant.types import CallToApprove
from skills.guard import plain

_STEP_CHARACTERS = 300
_RESULT_CHARACTERS = 2_000
_MAX_ROWS = 20
WAITS = "Waits for your approval: "  # first, so that a long call does not hide that nothing has been called
_STATES = {"ok": "", "retry": "not done: ", "failed": "failed: ", "refused": "refused: "}


def step(called: Called, clean: Callable[[str], str]) -> str:
    """Return a call and what it came to in one line of at most 300 characters, after `clean` took secrets out."""
    result, call = called.result, written(called.skill, called.arguments)
    said = f"{WAITS}{call}" if result.status == "ask" else f"{call} → {_STATES[result.status]}{result.text}"
    line = " ".join(clean(plain(said)).split())
    return line if len(line) <= _STEP_CHARACTERS else line[: _STEP_CHARACTERS - 1] + "…"


def written(skill: str, arguments: Mapping[str, Any]) -> str:
    """Return a call as people write one: create_ticket(title="Printer", priority="high")."""
    return (
        f"{skill}({', '.join(f'{name}={json.dumps(value, ensure_ascii=False)}' for name, value in arguments.items())})"
    )


def call(waits: CallToApprove) -> str:
    """Return a call that waits in one line of Markdown of at most 300 characters."""
    line = " ".join(plain(f"**{waits.skill}**{written(waits.skill, waits.arguments)[len(waits.skill) :]}").split())
    return line if len(line) <= _STEP_CHARACTERS else line[: _STEP_CHARACTERS - 1] + "…"


def results(called: Sequence[Called], corrections: bool = False) -> str:
    """Return an answer made of results as they are, in Markdown; what failed is said.

    `corrections`: what a skill has against its arguments is said, too; a model that calls skills has corrected them.
    """
    shown = ("ok", "failed", "refused", *(["retry"] if corrections else []))
    told = [each for each in called if each.result.status in shown]
    texts = [result(each) for each in told]
    if len(told) < 2:
        return "".join(texts)
    return "\n\n".join(f"**{each.skill}**\n\n{text}" for each, text in zip(told, texts, strict=True))


def result(called: Called) -> str:
    """Return one result in Markdown: a text as it is, an object as a list of its fields."""
    data = called.result.data
    if (picture := picture_of(called)) is not None:
        return plain(f"Here is the picture: {picture.shows}")
    if called.result.status == "ok" and isinstance(data, dict | list):
        return plain(_value(data))[:_RESULT_CHARACTERS]
    return plain(called.result.text)[:_RESULT_CHARACTERS]


def waiting(calls: Sequence[CallToApprove]) -> str:
    """Return the paragraph that asks for approval, with every argument."""
    asked = "\n\n".join(_asked(call) for call in calls)
    return f"This needs your approval, and nothing has been done yet:\n\n{asked}"


def _asked(call: CallToApprove) -> str:
    fields = "\n".join(f"- {name}: {_scalar(value)}" for name, value in call.arguments.items())
    return plain(f"**{call.skill}**\n\n{fields}" if fields else f"**{call.skill}** (without arguments)")


def _value(value: Any) -> str:
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(next(iter(value.values())), list | dict):
            return _value(next(iter(value.values())))
        return "\n".join(f"- {name}: {_scalar(inner)}" for name, inner in value.items())
    if not value:
        return "Nothing was found."
    rows = [", ".join(f"{k}: {_scalar(v)}" for k, v in row.items()) if isinstance(row, dict) else _scalar(row)
            for row in value[:_MAX_ROWS]]  # fmt: skip
    more = f"\n- and {len(value) - _MAX_ROWS} more" if len(value) > _MAX_ROWS else ""
    return "\n".join(f"- {row}" for row in rows) + more


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    return json.dumps(value, ensure_ascii=False)
