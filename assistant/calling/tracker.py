"""Runs long calls of skills: each in a task of its own and with a row of its own.

Whoever asked for a call waits for it, is told how far it is, and may cancel it without ending the turn. When the turn
ends first (its time is up, the reader hung up), the call goes on and its result is added to the stored answer. When the
server dies, the next one begins what only reads again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from assistant import conversations
from assistant.calling import long_calls
from assistant.calling.long_calls import LongCall, LongState
from assistant.logs import log
from assistant.threads import in_thread
from assistant.wire import AnswerJson
from skills.guard import plain
from skills.types import Person, Skill, SkillCall, SkillResult

CANCELLED = "The call was cancelled by the person who asked for it."
_SILENT_S = 20.0  # a server that has not beaten for so long is taken for dead; it beats twice a second
_LOOK_EVERY_S = 5.0
_log = log("skills")

Calls = Callable[[SkillCall], Awaitable[SkillResult]]
Owner = Callable[[str], Person | None]  # a user's id -> the person with their rights of now, None when they are gone


@dataclass(slots=True)
class _Latest:
    """How far a call said that it is; skills may say so from any thread."""

    done: float | None = None
    note: str = ""

    def put(self, done: float | None, note: str) -> None:
        self.done, self.note = done, plain(note)


class CallTracker:
    """The long calls of one server."""

    name = "long-calls"

    def __init__(self, engine: Engine, every_s: float = 0.5, silent_s: float = _SILENT_S) -> None:
        """Beat every `every_s`, which is also how soon a cancelled call ends."""
        self._engine = engine
        self._every_s = every_s
        self._silent_s = silent_s
        self._running: set[asyncio.Task[SkillResult]] = set()
        self._own: set[str] = set()  # rows of calls that run here, or are about to
        self._alone: set[str] = set()  # ids of calls that nobody waits for any more
        self._again: dict[str, str] = {}  # call id -> the row of a call that begins again
        self._looking: asyncio.Task[None] | None = None
        self._calls: Calls | None = None
        self._owner: Owner | None = None

    def resume_with(self, calls: Calls, owner: Owner) -> None:
        """Begin left calls again through `calls`, all guards included, with their `owner`'s rights of now."""
        self._calls, self._owner = calls, owner

    async def start(self) -> None:
        """Begin to look for calls that a dead server left."""
        if self._calls is not None:
            self._looking = asyncio.create_task(self._look(), name="left-calls")

    async def stop(self) -> None:
        """End all calls; their rows stay as they are, so that the next server takes them over."""
        tasks: list[asyncio.Task[None] | asyncio.Task[SkillResult]] = [*self._running]
        tasks += [self._looking] if self._looking else []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return ready, with how many calls run."""
        return "ready", f"{len(self._running)} long calls run."

    async def run(self, skill: Skill, call: SkillCall) -> SkillResult:
        """Run a permitted call to its end, whoever still waits for it; cancelled by its person, it is a failed one."""
        # Its row is written in the task, too: a turn that is stopped meanwhile would leave a row that nobody works on.
        task = asyncio.create_task(self._work(skill, call), name=f"long call {skill.name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._alone.add(call.call_id)
            raise

    async def _work(self, skill: Skill, call: SkillCall) -> SkillResult:
        identifier = self._again.pop(call.call_id, None)
        if identifier is None:
            identifier = await in_thread(long_calls.begin, self._engine, skill, call)
        latest = _Latest()
        self._own.add(identifier)
        inner = asyncio.ensure_future(skill.run(replace(call, report=latest.put)))
        try:
            while not (await asyncio.wait([inner], timeout=self._every_s))[0]:
                if not await in_thread(long_calls.beat, self._engine, identifier, latest.done, latest.note):
                    inner.cancel()  # ended before anybody is told that it is
                    await asyncio.wait([inner])
                    return await self._settled(identifier, call, SkillResult("failed", CANCELLED), "cancelled")
                if call.report is not None:
                    call.report(latest.done, latest.note)
            result = inner.result()
            return await self._settled(identifier, call, result, "done" if result.status == "ok" else "failed")
        finally:
            self._own.discard(identifier)
            if not inner.done():
                inner.cancel()
                await asyncio.wait([inner])

    async def _settled(self, identifier: str, call: SkillCall, result: SkillResult, state: LongState) -> SkillResult:
        await in_thread(long_calls.finish, self._engine, identifier, state, result.text)
        if call.call_id in self._alone:
            self._alone.discard(call.call_id)
            turn, colon, _ = call.call_id.partition(":")
            if colon:
                await in_thread(_add_to_answer, self._engine, call.person.user_id, turn, call.skill, result)
        return result

    async def _look(self) -> None:
        while True:
            try:
                left = await in_thread(long_calls.take_over, self._engine, self._silent_s, frozenset(self._own))
                await asyncio.gather(*(self._resume(each) for each in left))
            except (SQLAlchemyError, OSError) as error:
                _log.warning("left calls could not be taken over", error=type(error).__name__)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _resume(self, left: LongCall) -> None:
        """Begin a call again, in the background, with its owner's rights of now."""
        assert self._calls is not None and self._owner is not None
        person = await in_thread(self._owner, left.owner_id)
        if person is None:
            await in_thread(long_calls.finish, self._engine, left.id, "failed", "Whoever asked for it is not here now.")
            return
        _log.info("a long call begins again", skill=left.skill, call_id=left.call_id, attempt=left.attempts + 1)
        self._own.add(left.id)
        self._again[left.call_id] = left.id
        self._alone.add(left.call_id)
        call = SkillCall(left.skill, left.arguments, person, left.call_id, left.tainted)
        task = asyncio.ensure_future(self._through_guards(left, call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _through_guards(self, left: LongCall, call: SkillCall) -> SkillResult:
        assert self._calls is not None
        result = await self._calls(call)
        if self._again.pop(call.call_id, None) is not None:  # a guard answered in its place
            self._own.discard(left.id)
            await in_thread(long_calls.finish, self._engine, left.id, "failed", result.text)
        return result


def _add_to_answer(engine: Engine, owner_id: str, turn_id: str, skill: str, result: SkillResult) -> None:
    """Add what a call came to, after its turn had ended, to the turn's stored answer."""
    said = f"**{skill}** has ended since: {plain(result.text)[:2_000]}"

    def amended(stored: AnswerJson) -> AnswerJson:
        return {**stored, "answer": "\n\n".join(part for part in (stored["answer"], said) if part)}

    conversations.amend(engine, owner_id, turn_id, amended)
