"""What stands in the API's tests for turns, search, models, indexes and skills: it does what a question tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.app import ModelStatus
from assistant.calling.deciding import SkillTurns
from assistant.calling.service import SkillService
from assistant.orchestration import tell
from assistant.orchestration.notes import Notes
from assistant.orchestration.session import Pending
from assistant.orchestration.skill_stage import finished, person_of
from assistant.types import Answer, Citation, Event, Route, Step, Turn
from knowledge.follow import IndexStatus
from knowledge.types import Passage, Scope, SearchResult
from skills.fake import FixedSource, ScriptedSkill
from skills.types import SkillCall, SkillResult

ROUTE = Route("smol", "grounded", "fallback", "grounded_answer")


UNKNOWN = "The documents do not say."


@dataclass
class ScriptedTurns:
    """Answers by what the question says: "words 20 0.01" says 20 words, one each 0.01 s; "crash", "hang", "nothing".

    "write x" has a note written, by a call that waits for the person where the skill is theirs to use.
    """

    asked: list[Turn] = field(default_factory=list)
    running: int = 0
    aborted: int = 0
    skills: SkillTurns | None = None  # the real ones, for decisions about calls
    service: SkillService | None = None

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        if turn.options.decisions and self.skills is not None:
            async for event in self.skills.decided(Notes(turn)):
                yield event
            return
        self.asked.append(turn)
        if turn.question.startswith("write "):
            yield Event("answer", answer=await self._written(turn))
            return
        self.running += 1
        done = False
        try:
            yield Event("step", step=Step("search", "Looked through 3 documents.", 12.0))
            count, pause_s = self._plan(turn.question)
            said = ""
            for number in range(count):
                await asyncio.sleep(pause_s)
                piece = "x" * 20_000 if turn.question.startswith("flood") else f"word{number} "
                said += piece
                yield Event("text", piece)
            if turn.question.startswith("crash"):
                raise ValueError("the orchestration has a bug")
            if turn.question.startswith("hang"):
                await asyncio.sleep(3_600)
            if turn.question.startswith("notice"):
                yield Event("notice", "Answered by the local model.")
            if not turn.question.startswith("nothing"):
                yield Event("answer", answer=self._answer(turn, said))
            done = True
        finally:
            self.aborted += not done  # first, as tests look at both from another thread
            self.running -= 1

    async def _written(self, turn: Turn) -> Answer:
        assert self.skills is not None and self.service is not None
        notes, arguments = Notes(turn), {"text": turn.question.removeprefix("write ")}
        call = SkillCall("write_note", arguments, person_of(turn.caller), f"{turn.id}:p1")
        result = await self.service.call(call)
        if result.status != "ask":
            return finished(notes, result.text)
        pending = Pending(call.call_id, call.skill, arguments, result.data["digest"], call.tainted)
        calls = await self.skills.park(notes, [pending], {"said": ""})
        waits = finished(notes, tell.waiting(calls))
        return replace(waits, route=ROUTE, approvals=tuple(calls), stopped_by="tool_calls")

    def _plan(self, question: str) -> tuple[int, float]:
        words = question.split()
        if words[0] in ("unknown", "json"):
            return 0, 0.0
        return (int(words[1]), float(words[2])) if words[0] in ("words", "flood") else (5, 0.0)

    def _answer(self, turn: Turn, said: str) -> Answer:
        citation = Citation(
            1, "doc", "Handbook", 2, "chunk", "30 days of leave", "Leave", "handbook.pdf", "HR", "leave"
        )
        text = "Something else." if turn.question.startswith("replace") else said + "[1]"
        if turn.question.startswith("unknown"):
            return Answer(UNKNOWN, (), abstained=True, grounded=False, degraded=False, route=ROUTE, searched=("HR",))
        if turn.question.startswith("json"):
            return Answer('{"days": 30}', (citation,), abstained=False, grounded=False, degraded=False, route=ROUTE)
        return Answer(text, (citation,), abstained=False, grounded=True, degraded=False, route=ROUTE, searched=("HR",))


@dataclass
class ScriptedSearch:
    """Finds one passage, whatever is asked."""

    asked: list[tuple[str, Scope]] = field(default_factory=list)

    async def search_detailed(
        self, query: str, scope: Scope, collections: tuple[str, ...] | None = None, limit: int = 8
    ) -> SearchResult:
        self.asked.append((query, scope))
        passage = Passage("chunk", "doc", "col", "Handbook", "handbook.pdf", "30 days", "Leave", 2, "leave", 0.9)
        return SearchResult(passages=(passage,), searched=("HR",), n_candidates=1, timings_ms={"dense": 1.0})


class FixedModels:
    """One healthy model."""

    def status(self) -> list[ModelStatus]:
        return [ModelStatus("local", "fallback", "smol", "grounded", True, "Answers.")]


class QuietIndexes:
    """Indexes that are abreast."""

    def status(self) -> list[IndexStatus]:
        return [IndexStatus(kind, "ready", "", 3, 0, 1.0, 0, 0, 1.0) for kind in ("dense", "keyword")]


NOTE: dict[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


class Notebook:
    """A skill that reads, one that writes, and one for a group that nobody is in; it counts what was written."""

    def __init__(self) -> None:
        self.read, self.write = ScriptedSkill(SkillResult("ok", "Nothing.")), ScriptedSkill(SkillResult("ok", "Kept."))

    def source(self) -> FixedSource:
        """The three skills."""
        secret = self.read.skill("read_secrets", readers=frozenset({"group:spies"}))
        write = self.write.skill("write_note", "write", "Write a note.", NOTE)
        return FixedSource("notebook", self.read.skill("read_notes", parameters=NOTE), write, secret)
