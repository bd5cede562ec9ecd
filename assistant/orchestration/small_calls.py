"""Calls of skills by a model too small for tool calling: rules choose the skill, the model fills in its arguments."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assistant.guardrails.words import content
from assistant.models.types import ChatModel
from assistant.orchestration import several
from assistant.orchestration.arguments import Filler
from assistant.orchestration.read_question import lacks_numbers, lacks_text
from assistant.threads import in_thread
from assistant.together import together
from skills.choose import Choice, Chooser, describe
from skills.types import Skill

# A part of a question gets a skill of its own only when it is this much closer than the threshold of the chooser:
# a call too many does more harm than one that is asked for again.
_PART_MARGIN = 0.05
# A skill that wants a number, or a text to work on, fits a question without one only when it is this much closer than
# the threshold: it would be made up (docs/experiments/2026-11-skills-choice.md).
_MADE_UP_MARGIN = 0.3
# A skill that needs nothing to be called, such as one that tells the time, is close to every question of its kind. One
# of which more than half, names aside, is about what the skill says nothing of asks for that: "When is Labor Day
# observed?" is no question of what day it is now.
_STRANGE_MARGIN, _STRANGE_SHARE = 0.2, 0.5
_MAX_PARTS = 4
# Characters of a question that are read for calls. The rules look at ends of words and lists in pairs, so their time
# grows with the square: 8,000 characters kept the event loop busy for a second.
_MAX_READ = 2_000
_BETWEEN_PARTS = re.compile(r"(?<=[.?!;])\s+|,?\s+\b(?:and then|and also|then|also|after that|additionally)\b\s+")
_MIN_PART_CHARS = 12
_MAX_EXACT = 400  # characters of a question that skills read by themselves
# Who asks for this wants to know, and nothing changed.
_WANTS_TO_KNOW = re.compile(
    r"\s*(?:where|what|which|who|whom|whose|when|why|how|is|are|was|were|do|does|did|has|have|am)\b", re.IGNORECASE
)
_NAME = re.compile(r"(?<!^)\b[A-Z]\w+")  # may be what an optional parameter takes, such as a city


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call that a question asks for, checked against the skill's schema."""

    skill: Skill
    arguments: dict[str, Any]
    score: float  # of the choice, -1..1


@dataclass(frozen=True, slots=True)
class Plan:
    """What a question needs of the skills."""

    calls: tuple[PlannedCall, ...]  # independent of each other; empty: no skill fits
    considered: tuple[Choice, ...]  # the skills that were looked at, the likeliest first
    problems: tuple[str, ...]  # why chosen skills are not called: their arguments could not be found
    choose_ms: float
    fill_ms: float


class SmallCaller:
    """Plans calls."""

    def __init__(self, chooser: Chooser, filler: Filler, irrelevant_below: float, limit: int) -> None:
        """Look at `limit` skills at most; `irrelevant_below` is the chooser's own threshold."""
        self._chooser = chooser
        self._filler = filler
        self._threshold = irrelevant_below
        self._limit = limit

    async def plan(self, model: ChatModel, question: str, skills: Sequence[Skill]) -> Plan:
        """Return the calls that `question` asks for; without a fitting skill the model is not even asked.

        Raises what the model raises.
        """
        started = time.perf_counter()
        question = question[:_MAX_READ]
        considered, pairs = await in_thread(self.choose, question, skills)
        if not pairs:
            return Plan((), (), (), _ms_since(started), 0.0)
        chosen = time.perf_counter()
        filled = await together(self._filler.fill(model, part, choice.skill) for part, choice in pairs)
        calls, problems = [], []
        for (_, choice), found in zip(pairs, filled, strict=True):
            if found.problems:
                problems.append(f"{choice.skill.name}: {'; '.join(found.problems)}")
            else:
                calls.append(PlannedCall(choice.skill, found.arguments, choice.score))
        calls = [call for n, call in enumerate(calls) if not any(_same(call, other) for other in calls[:n])]
        return Plan(tuple(calls), tuple(considered), tuple(problems), (chosen - started) * 1e3, _ms_since(chosen))

    def exact(self, question: str, skills: Sequence[Skill]) -> bool:
        """Return whether the whole question is one for skills, and not for documents: a sum, a conversion, a ticket."""
        found = _read(question, skills)
        return bool(found) and all("exact" in choice.skill.tags for _, choice in found)

    def choose(self, question: str, skills: Sequence[Skill]) -> tuple[list[Choice], list[tuple[str, Choice]]]:
        """Return the skills looked at, the likeliest first, and the skill of each call with the question it answers.

        Both are empty when no skill fits. Blocking; no model is asked.
        """
        if read := _read(question, skills):
            return [choice for _, choice in read], read
        considered = self._chooser.choose(question, skills, self._limit)
        # Two wishes in one question are far from either skill; each part for itself may be close to one.
        among = [choice.skill for choice in considered] or list(skills)
        wanted = self._parts(question, among)
        best = next((choice for choice in considered if _possible(question, choice.skill)), None)
        if not wanted and best is not None and self._fits(best, question):
            wanted = [(question, best)]
        if not wanted:
            return [], []
        return considered or [choice for _, choice in wanted], _each_call(wanted)

    def _fits(self, choice: Choice, question: str) -> bool:
        if choice.skill.reads is not None:
            return False  # it would have read the question
        schema = choice.skill.parameters
        made_up = lacks_numbers(schema, question) or lacks_text(schema, question)
        margin = _MADE_UP_MARGIN if made_up else _STRANGE_MARGIN if _asks_for_more(question, choice.skill) else 0.0
        return not margin or choice.score >= self._threshold + margin

    def _parts(self, question: str, skills: list[Skill]) -> list[tuple[str, Choice]]:
        """Return the parts of the question that ask for different skills, each with its skill; empty: it is one."""
        parts = [part.strip() for part in _BETWEEN_PARTS.split(question) if len(part.strip()) >= _MIN_PART_CHARS]
        if not 2 <= len(parts) <= _MAX_PARTS or len(skills) < 2:
            return []
        found: dict[str, tuple[str, Choice]] = {}
        for part in parts:
            best = self._chooser.choose(part, [skill for skill in skills if _possible(part, skill)], 1)
            if best and best[0].score >= self._threshold + _PART_MARGIN and self._fits(best[0], part):
                found.setdefault(best[0].skill.name, (part, best[0]))
        return list(found.values()) if len(found) > 1 else []


def _read(question: str, skills: Sequence[Skill]) -> list[tuple[str, Choice]]:
    """Return the parts of the question with the skills that read them; empty unless each part is read, or too short."""
    if len(question) > _MAX_EXACT:
        return []
    reading = [skill for skill in skills if skill.reads is not None]
    for parts in ([question], [part.strip() for part in _BETWEEN_PARTS.split(question)]):
        found = [(part, next((skill for skill in reading if _reads(skill, part)), None)) for part in parts]
        calls = [(part, Choice(skill, 1.0)) for part, skill in found if skill is not None]
        if calls and all(skill is not None or len(part) < _MIN_PART_CHARS for part, skill in found):
            return calls[:_MAX_PARTS]
    return []


def _reads(skill: Skill, question: str) -> bool:
    return skill.reads is not None and skill.reads(question) is not None


def _possible(question: str, skill: Skill) -> bool:
    """Return whether a question can be for a skill: one that changes something is not for who wants to know."""
    return skill.effect == "read" or _WANTS_TO_KNOW.match(question) is None


def _asks_for_more(question: str, skill: Skill) -> bool:
    """Return whether most of `question` is about what a skill without required parameters says nothing of."""
    if skill.parameters.get("required"):
        return False
    asked, said = frozenset(content(_NAME.sub(" ", question))), frozenset(content(" ".join(describe(skill))))
    return len(asked - said) > _STRANGE_SHARE * len(asked)


def _each_call(pairs: list[tuple[str, Choice]]) -> list[tuple[str, Choice]]:
    """Return a part for each call: one that lists several things asks for the same function several times."""
    return [(one, choice) for part, choice in pairs for one in several.questions(part, choice.skill.parameters)]


def _same(call: PlannedCall, other: PlannedCall) -> bool:
    return call.skill.name == other.skill.name and call.arguments == other.arguments


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
