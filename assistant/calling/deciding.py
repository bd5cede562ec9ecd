"""What people decide about calls that wait: an approved one runs once, with their rights of now; the turn goes on.

The call runs in a task of its own: whoever hangs up meanwhile does not leave it half noted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine

from assistant import conversations
from assistant.calling import approvals
from assistant.calling.approvals import Approval
from assistant.models.errors import ModelError
from assistant.models.types import ModelRequest
from assistant.orchestration import plan as plans
from assistant.orchestration import tell
from assistant.orchestration.errors import OrchestrationError
from assistant.orchestration.notes import Notes
from assistant.orchestration.plan_stage import Task
from assistant.orchestration.ports import Choice, Gate, Models
from assistant.orchestration.prompts import Message
from assistant.orchestration.session import Called, Pending, SkillSession
from assistant.orchestration.settings import TurnSettings
from assistant.orchestration.skill_stage import Goes, Skills, SkillStage, finished, person_of
from assistant.threads import in_thread
from assistant.types import Answer, ApprovalState, CallToApprove, Event
from assistant.wire import AnswerJson, answer_json
from skills.guard import quoted
from skills.types import Person, SkillCall, SkillResult

_NONE = "There is no such call that waits for you."
_CHANGED = (
    "The skill, or what it may do, has changed since this call was shown. Ask again to see the call as it is now."
)
_SAID: dict[str, str] = {
    "refused": "was not run: you refused it.",
    "expired": "was not run: nobody approved it in time. Ask again.",
    "running": "is still running.",
}


class SkillTurns:
    """Skills as turns use them: called, parked where a person has to approve, and taken further once they decided."""

    def __init__(
        self, engine: Engine, skills: Skills, models: Models, gate: Gate, settings: TurnSettings, secrets: Sequence[str]
    ) -> None:
        """Keep calls in the database behind `engine`; `secrets` are strings that no answer may hold."""
        self._stage = SkillStage(skills, gate, settings, self.park, secrets)
        self._engine = engine
        self._skills = skills
        self._models = models
        self._settings = settings

    async def park(self, notes: Notes, pending: Sequence[Pending], goes: Goes) -> list[CallToApprove]:
        """Store calls of a turn that wait, with what it goes on from, before anybody is asked about them."""
        hours = self._settings.approval_hours
        stored = await in_thread(
            approvals.park, self._engine, notes.turn, notes.origin, list(pending), goes, hours
        )  # fmt: skip
        return [approval.call for approval in stored]

    async def exact(self, notes: Notes, choice: Choice) -> bool:
        """Return whether the question is one for skills in so many words."""
        return await self._stage.exact(notes, choice)

    async def missing(self, notes: Notes) -> str:
        """Return the sentence for who asks for what no skill here can do, "" for everything else."""
        return await self._stage.missing(notes)

    def run(self, notes: Notes, choice: Choice) -> AsyncGenerator[Event, None]:
        """Yield steps, and the answer where the question needs a skill."""
        return self._stage.run(notes, choice)

    async def decided(self, notes: Notes) -> AsyncGenerator[Event, None]:
        """Yield what comes of the decisions of a turn, and its answer, which also takes the stored one's place."""
        owner = notes.turn.caller.user_id
        for identifier, approved in notes.turn.options.decisions:
            approval = await in_thread(approvals.get, self._engine, owner, identifier)
            if approval is None:
                continue
            notes.origin = notes.origin or approval
            if not approved:
                await in_thread(approvals.refuse, self._engine, owner, identifier)
            elif await in_thread(approvals.begin, self._engine, owner, identifier):
                called = await asyncio.shield(
                    asyncio.create_task(
                        self._carry_out(approval, person_of(notes.turn.caller, approval.conversation_id))
                    )
                )
                notes.calls.append(called)
                yield notes.trace.step("skill", tell.step(called, self._stage.line), called.result.ms)
        if notes.origin is None:
            yield Event("text", _NONE)
            yield Event("answer", answer=finished(notes, _NONE))
            return
        async with aclosing(self._go_on(notes, notes.origin)) as events:
            async for event in events:
                yield event

    async def _carry_out(self, approval: Approval, person: Person) -> Called:
        """Run a claimed call and note what it came to, whoever still listens."""
        call = SkillCall(
            approval.skill, approval.arguments, person, approval.call_id, approval.tainted, approval.digest
        )
        result = await self._skills.call(call)
        if result.status == "ask":
            result = SkillResult("refused", _CHANGED)
        state: ApprovalState = "done" if result.status == "ok" else "failed"
        await in_thread(approvals.finish, self._engine, approval.id, state, result.text)
        return Called(approval.call_id, approval.skill, approval.arguments, result)

    async def _go_on(self, notes: Notes, origin: Approval) -> AsyncGenerator[Event, None]:
        owner = notes.turn.caller.user_id
        rows = await in_thread(approvals.of_turn, self._engine, owner, origin.turn_id)
        batch = [row for row in rows if row.context]
        open_ones = [row for row in batch if row.state in ("waiting", "running")]
        if open_ones or not batch:
            shown = batch or [row for row in rows if row.id == origin.id]
            async for event in self._told(notes, origin, _before(batch), _outcome(shown)):
                yield event
            return
        if not await in_thread(approvals.forget_context, self._engine, owner, origin.turn_id):
            return_text = _outcome(batch)  # another request has just taken the turn further
            async for event in self._told(notes, origin, "", return_text, stored=False):
                yield event
            return
        notes.turn = replace(
            notes.turn, question=origin.question, options=replace(notes.turn.options, model=origin.model)
        )
        context = batch[0].context
        # The report at the end of a task takes the place of the one that was shown while its calls waited.
        before = "" if context.get("plan") else _before(batch)
        if context.get("plan") or context.get("messages"):
            async with aclosing(self._by_model(notes, batch)) as events:
                async for event in events:
                    if event.answer is not None:
                        answer = await self._settled(notes, origin, before, event.answer)
                        event = replace(event, answer=answer)
                    yield event
            return
        async for event in self._told(notes, origin, _before(batch), _outcome(batch)):
            yield event

    async def _by_model(self, notes: Notes, batch: list[Approval]) -> AsyncGenerator[Event, None]:
        """Yield how the model goes on, told what became of its calls; without a model, the results as they are."""
        context = batch[0].context
        marker = str(context["marker"])
        person = person_of(notes.turn.caller, batch[0].conversation_id)
        session = SkillSession(person, self._settings.max_skill_calls, notes.turn.id, tainted=True, marker=marker)
        try:
            choice = await self._models.choose(notes.turn)
            offered = await self._skills.for_person(person) if choice.tools else []
            if context.get("plan"):
                task = _task(context, batch)
                stage = self._stage.plans.run(notes, choice, session, offered, task)
            else:
                messages = _resumed(context["messages"], batch, marker)
                sampling, salt = notes.turn.options.sampling, _salt(notes)
                request = ModelRequest(
                    messages, sampling, request_id=notes.turn.id, cache_salt=salt, task="after_approval"
                )
                stage = self._stage.by_model(notes, choice, session, offered, request, hold=False)
            async with aclosing(stage) as events:
                async for event in events:
                    yield event
        except (ModelError, OrchestrationError):
            text = _outcome(batch)
            yield Event("text", text)
            yield Event("answer", answer=finished(notes, text))

    async def _told(
        self, notes: Notes, origin: Approval, before: str, text: str, stored: bool = True
    ) -> AsyncGenerator[Event, None]:
        """Yield an answer that no model wrote."""
        yield Event("text", text)
        answer = finished(notes, text)
        yield Event("answer", answer=await self._settled(notes, origin, before, answer) if stored else answer)

    async def _settled(self, notes: Notes, origin: Approval, before: str, answer: Answer) -> Answer:
        """Return the answer with all calls of its turn, after it has taken the place of the stored one."""
        owner = notes.turn.caller.user_id
        rows = await in_thread(approvals.of_turn, self._engine, owner, origin.turn_id)
        waits = any(row.state == "waiting" for row in rows)
        calls = tuple(row.call for row in rows)
        answer = replace(answer, approvals=calls, stopped_by="tool_calls" if waits else "stop")
        if not origin.context and not notes.calls:
            return answer  # nothing new: decided before
        whole = answer_json(replace(answer, text="\n\n".join(part for part in (before, answer.text) if part)))

        def amended(stored: AnswerJson) -> AnswerJson:
            changed = {"answer", "approvals", "pictures", "stopped_by", "notice"}
            return {**stored, **{key: whole[key] for key in changed}, "steps": [*stored["steps"], *whole["steps"]]}  # type: ignore[literal-required,typeddict-item]  # the keys are those of the dictionary itself

        await in_thread(conversations.amend, self._engine, owner, origin.turn_id, amended)
        return answer


def _salt(notes: Notes) -> str:
    return notes.turn.caller.scope.fingerprint


def _before(batch: Sequence[Approval]) -> str:
    return str(batch[0].context.get("said", "")) if batch else ""


def _outcome(rows: Sequence[Approval]) -> str:
    """Return what became of calls, those that still wait last."""
    settled = [_one(row) for row in rows if row.state != "waiting"]
    waiting = [row.call for row in rows if row.state == "waiting"]
    return "\n\n".join([*settled, *([tell.waiting(waiting)] if waiting else [])])


def _one(row: Approval) -> str:
    said = _SAID.get(row.state)
    if said is not None:
        return f"**{row.skill}** {said}"
    result = SkillResult("ok" if row.state == "done" else "failed", row.result, _data(row.result))
    return f"**{row.skill}**\n\n{tell.result(Called(row.call_id, row.skill, row.arguments, result))}"


def _task(context: dict[str, Any], batch: Sequence[Approval]) -> Task:
    """Return a task that goes on, its steps settled by what was decided about their calls."""
    states: dict[str, plans.State] = {"done": "done", "refused": "refused"}
    became = {row.call_id: (states.get(row.state, "failed"), row.result or _one(row)) for row in batch}
    before = plans.from_json(context["plan"])
    plan = plans.decided(before, became)
    failed = any(new.state == "failed" and old.state == "waiting" for old, new in zip(before, plan, strict=True))
    return Task(str(context["task"]), plan, int(context["revisions"]), failed, begun=True)


def _data(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _resumed(stored: list[dict[str, Any]], batch: Sequence[Approval], marker: str) -> tuple[Message, ...]:
    """Return the messages of a turn with the results of its calls in place of "waits for approval"."""
    results = {
        row.call_id.partition(":")[2]: quoted(row.result, row.skill, marker) if row.state == "done" else _one(row)
        for row in batch
    }
    return tuple(
        Message(
            each["role"],
            results.get(each["tool_call_id"], each["content"]) if each["role"] == "tool" else each["content"],
            tuple(each["tool_calls"]),
            each["tool_call_id"],
        )
        for each in stored
    )
