"""Function calling measured on BFCL files: our way for small models, beside the same model with a plain tool prompt."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from assistant.adaptation.metrics import bootstrap
from assistant.evaluation.bfcl import Call, Row, is_row, read_row, schema_of, wrong
from assistant.evaluation.errors import NothingToMeasure, RowsUnusable
from assistant.evaluation.questions import lines
from assistant.evaluation.report import spread
from assistant.models.types import ChatModel
from assistant.orchestration.arguments import Filler, complete
from assistant.orchestration.prompts import Message
from assistant.orchestration.small_calls import SmallCaller
from assistant.types import Caller as Asker
from assistant.types import Turn, TurnOptions
from knowledge.types import Scope
from skills.choose import Chooser, Embed
from skills.errors import BadSkill, SkillFailure
from skills.schema import tidy
from skills.settings import SkillsSettings
from skills.types import Skill, SkillCall, SkillResult

_PLAIN = (
    "You may call these functions:\n{functions}\nReply with a JSON list of the calls that the question needs, like "
    '[{{"name": "function", "arguments": {{"parameter": "value"}}}}], or with [] when none of them fits.'
)


def is_file(path: Path) -> bool:
    """Return whether `path` is a BFCL file, by its first line."""
    try:
        with path.open("rb") as file:
            first = json.loads(file.readline() or b"null")
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and is_row(first)


def read(path: Path, limit: int | None = None) -> list[Row]:
    """Return the rows of a BFCL file, the first `limit` of them; raises RowsUnusable with the line that is none."""
    rows: list[Row] = []
    for number, raw in lines(path):
        if limit is not None and len(rows) == limit:
            break
        try:
            rows.append(read_row(raw))
        except (KeyError, TypeError, AttributeError, IndexError) as exc:
            raise RowsUnusable(f"{path}, line {number} is no row of the leaderboard ({exc!r}).") from exc
    if not rows:
        raise NothingToMeasure(f"{path} holds no rows.")
    return rows


class Caller(Protocol):
    """Some way from a question to calls."""

    async def __call__(self, row: Row, skills: Sequence[Skill]) -> list[Call]:
        """Return the calls that the question of `row` needs, out of `skills`."""
        ...


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What came of one row."""

    row: Row
    calls: tuple[Call, ...]
    wrong: str | None  # None: right
    ms: float


def ours(model: ChatModel, caller: SmallCaller) -> Caller:
    """Return the product's way for small models."""

    async def call(row: Row, skills: Sequence[Skill]) -> list[Call]:
        plan = await caller.plan(model, row.question, skills)
        return [Call(each.skill.name, each.arguments) for each in plan.calls]

    return call


def plain(model: ChatModel) -> Caller:
    """Return the reference: all functions in the prompt, and whatever JSON the model writes."""

    async def call(row: Row, skills: Sequence[Skill]) -> list[Call]:
        described = "\n".join(json.dumps(skill.as_tool["function"]) for skill in skills)
        messages = (Message("system", _PLAIN.format(functions=described)), Message("user", row.question))
        return calls_in(await complete(model, messages, None, "plain_skill_call"))

    return call


def ways(model: ChatModel, embed: Embed, settings: SkillsSettings) -> dict[str, Caller]:
    """Return our way and its reference, by name."""
    chooser = Chooser(embed, settings.irrelevant_below)
    caller = SmallCaller(chooser, Filler(), settings.irrelevant_below, settings.choose_limit)
    return {"ours": ours(model, caller), "plain prompt": plain(model)}


def any_turn(model: str) -> Turn:
    """Return a turn that says nothing but which model is wanted."""
    caller = Asker("evaluation", "evaluation", Scope(frozenset()), credential="local")
    return Turn("evaluation", "", (), caller, replace(TurnOptions(), model=model))


def calls_in(reply: str) -> list[Call]:
    """Return the calls that a model wrote somewhere in its reply; none where there is no such JSON."""
    start = min((at for at in (reply.find("["), reply.find("{")) if at >= 0), default=-1)
    if start < 0:
        return []
    try:
        found, _ = json.JSONDecoder().raw_decode(reply[start:])
    except (ValueError, RecursionError):
        return []
    calls = found if isinstance(found, list) else [found]
    return [
        Call(str(call["name"]), call["arguments"])
        for call in calls
        if isinstance(call, Mapping) and isinstance(call.get("arguments"), Mapping) and "name" in call
    ]


def skill_of(function: Mapping[str, Any]) -> Skill:
    """Return a function of a BFCL file as a skill that cannot be run; raises BadSkill when its schema is unusable."""

    async def run(call: SkillCall) -> SkillResult:
        raise SkillFailure(f"{call.skill} belongs to a test set and cannot be run.")

    parameters = tidy(schema_of(function))
    return Skill(function["name"], function["description"], parameters, "read", run, "bfcl", "0" * 12)


class Pool:
    """Functions of many rows, from which each row gets as many beside its own as are wanted."""

    def __init__(self, rows: Sequence[Row]) -> None:
        """Read the functions of `rows`; those with an unusable schema are left out."""
        self._skills: dict[str, Skill] = {}
        for function in (function for row in rows for function in row.functions):
            with contextlib.suppress(BadSkill):
                self._skills.setdefault(function["name"], skill_of(function))

    def around(self, row: Row, total: int, draw: int = 0) -> list[Skill]:
        """Return the row's functions among others, `total` in all, as the row and the number of the draw decide.

        Raises BadSkill when a function of the row itself is unusable.
        """
        own = {function["name"]: skill_of(function) for function in row.functions}
        rest = sorted(self._skills.keys() - own.keys())
        order = random.Random(f"{row.id}{draw or ''}")
        added = order.sample(rest, min(len(rest), max(0, total - len(own))))
        skills = [*own.values(), *(self._skills[name] for name in added)]
        order.shuffle(skills)
        return skills


async def measure(
    rows: Sequence[Row], caller: Caller, at_once: int = 1, pool: Pool | None = None, total: int = 0
) -> list[CallOutcome]:
    """Return the outcome of each row, in order, each with `total` functions to choose from or just its own."""
    gate = asyncio.Semaphore(at_once)
    around = (pool or Pool(())).around

    async def one(row: Row) -> CallOutcome:
        async with gate:
            try:
                skills = around(row, total)
            except BadSkill as exc:
                return CallOutcome(row, (), f"unusable: {exc}", 0.0)
            started = time.perf_counter()
            calls = await caller(row, skills)
            return CallOutcome(row, tuple(calls), wrong(row, calls), (time.perf_counter() - started) * 1e3)

    return list(await asyncio.gather(*(one(row) for row in rows)))


def summary(outcomes: Iterable[CallOutcome]) -> dict[str, Any]:
    """Return accuracy with its interval, by category: of the function alone, and of the whole call."""
    by_category: dict[str, list[CallOutcome]] = defaultdict(list)
    for outcome in outcomes:
        by_category[outcome.row.category].append(outcome)
    return {category: _category(found) for category, found in sorted(by_category.items())}


def _category(outcomes: Sequence[CallOutcome]) -> dict[str, Any]:
    right = bootstrap([float(outcome.wrong is None) for outcome in outcomes])
    chosen = [_right_functions(outcome) for outcome in outcomes]
    return {
        "n": len(outcomes),
        "accuracy": {"mean": right.mean, "low": right.low, "high": right.high},
        "function": sum(chosen) / len(chosen),
        "ms": spread([outcome.ms for outcome in outcomes]),
    }


def report(outcomes: Sequence[CallOutcome]) -> dict[str, Any]:
    """Return all outcomes as one column of the table that people read."""
    right = bootstrap([float(outcome.wrong is None) for outcome in outcomes])
    functions = bootstrap([float(_right_functions(outcome)) for outcome in outcomes])
    return {
        "n": len(outcomes),
        "metrics": {"right_calls": asdict(right), "right_functions": asdict(functions)},
        "ms": {"total": spread([outcome.ms for outcome in outcomes])},
    }


def _right_functions(outcome: CallOutcome) -> bool:
    return sorted(call.name for call in outcome.calls) == sorted(name for name, _ in outcome.row.accepted)


def as_row(outcome: CallOutcome) -> dict[str, Any]:
    """Return an outcome as `eval run --rows` writes it."""
    return {
        "id": outcome.row.id,
        "calls": [{"name": call.name, "arguments": dict(call.arguments)} for call in outcome.calls],
        "wrong": outcome.wrong,
        "timings_ms": {"total": outcome.ms},
    }
