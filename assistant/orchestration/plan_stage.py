"""A task of several steps: planned, carried out, and planned anew where a step failed.

Each step is a draft of its own in the one loop (draft.py), so its calls pass the kernel's filters and the registry's
guards like any others, within one budget of calls. Steps that do not need each other run side by side. A call that a
person has to approve leaves its step waiting; the steps that do not need it are carried out, and the turn ends there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from assistant.guardrails.output import Output
from assistant.guardrails.plain_release import PlainRelease
from assistant.guardrails.repeats import Repeats
from assistant.models.errors import ModelError
from assistant.orchestration import plan as plans
from assistant.orchestration import tell
from assistant.orchestration.attempt import attempt
from assistant.orchestration.draft import NOTHING, Orchestrator, Permit, draft
from assistant.orchestration.errors import OrchestrationError
from assistant.orchestration.notes import Notes
from assistant.orchestration.plan import Plan, PlanStep
from assistant.orchestration.planner import Planner
from assistant.orchestration.ports import Choice, Gate
from assistant.orchestration.session import SkillSession
from assistant.types import Event
from skills.types import Skill

MAX_REVISIONS = 2  # a task that fails a third time is told as it stands
_STEP_MODEL_CALLS = 4  # of one step: two rounds of calls, a correction, and the words

Ended = Callable[[Notes, SkillSession, str, dict[str, object], str], Awaitable[list[Event]]]


@dataclass(slots=True)
class Task:
    """A task under way."""

    text: str
    plan: Plan
    revisions: int = 0  # made so far
    failed: bool = False  # an approved call has just failed, so the rest is to be planned anew
    begun: bool = False  # goes on after an approval


@dataclass(frozen=True, slots=True)
class _Acting:
    """What the steps of one task have in common."""

    notes: Notes
    choice: Choice
    session: SkillSession
    offered: Sequence[Skill]
    orchestrator: Orchestrator


class PlanStage:
    """Carries plans out."""

    def __init__(self, gate: Gate, secrets: Sequence[str], ended: Ended) -> None:
        """`ended` makes the last events of a turn; `secrets` are strings that no answer may hold."""
        self._gate = gate
        self._secrets = tuple(secrets)
        self._ended = ended
        self._planner = Planner()

    async def plan(self, notes: Notes, choice: Choice, offered: Sequence[Skill]) -> Task | None:
        """Return the task that the question sets; None when it is not one of several steps."""
        if not choice.tools or not plans.several(notes.question):
            return None
        plan = await self._planner.plan(choice.model, notes, notes.question, offered)
        return Task(notes.question, plan) if len(plan) > 1 else None

    async def run(
        self, notes: Notes, choice: Choice, session: SkillSession, offered: Sequence[Skill], task: Task
    ) -> AsyncGenerator[Event, None]:
        """Yield the steps of a task as they end, and the answer, which names what was done."""
        acting = _Acting(notes, choice, session, offered, await self._gate.ready())
        notes.progress.route = replace(choice.route, strategy=self._planner.answer.name)
        notes.prompt = f"{self._planner.answer.name}@{self._planner.answer.version}"
        if not task.begun:
            yield notes.trace.step("plan", self._line(f"Planned: {plans.written(task.plan)}"), 0.0)
        try:
            if task.failed:
                async for event in self._revise(acting, task):
                    yield event
            while offered and (now := plans.ready(task.plan)) and len(session.begun) < session.max_calls:
                async with aclosing(self._wave(acting, task, now)) as events:
                    async for event in events:
                        yield event
                if any(step.state == "failed" for step in _of(task.plan, now)):
                    async for event in self._revise(acting, task):
                        yield event
        finally:
            notes.calls += session.called
        if notes.turn.options.grounded and not (session.called or task.begun):
            return  # the documents do not say, and no skill does: what the model believes is no answer
        async with aclosing(self._end(acting, task)) as events:
            async for event in events:
                yield event

    def _line(self, said: str) -> str:
        """Return a line of the turn's steps without what it holds of secrets."""
        return Output([], self._secrets, markdown=False).slice(said)

    async def _wave(self, acting: _Acting, task: Task, now: Plan) -> AsyncGenerator[Event, None]:
        """Carry out steps side by side; none of them sees, or is tainted by, what the others find."""
        started = acting.notes.trace.clock()
        running = [asyncio.create_task(self._act(acting, task, step)) for step in now]
        try:
            for one in asyncio.as_completed(running):
                step, own = await one
                task.plan = plans.put(task.plan, step)
                acting.session.called += own.called
                acting.session.pending += own.pending
                acting.session.tainted |= own.tainted
                for called in own.called:
                    yield acting.notes.trace.step("skill", tell.step(called, self._line), called.result.ms)
                said = {"done": "done", "waiting": "waits for your approval"}.get(step.state, "failed")
                ms = acting.notes.trace.elapsed_ms(started)
                yield acting.notes.trace.step("plan", self._line(f"Step {step.n} {said}: {step.do}"), ms)
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _act(self, acting: _Acting, task: Task, step: PlanStep) -> tuple[PlanStep, SkillSession]:
        """Carry out one step in a session of its own, which shares the turn's budget, and return what became of it."""
        shared = acting.session
        own = replace(shared, turn_id=f"{shared.turn_id}:{step.n}", called=[], pending=[])
        permit = Permit(acting.orchestrator.offer(acting.offered), own.max_calls, own)
        request = self._planner.step(acting.notes, task.text, step, task.plan, shared.marker)
        pieces = draft(
            acting.orchestrator, acting.choice.model, request, permit, _STEP_MODEL_CALLS, lambda _: bool(own.pending)
        )
        said = ""
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    said += piece.text
        except (ModelError, OrchestrationError) as error:
            return plans.settled(step, "failed", f"No model could carry it out ({type(error).__name__})."), own
        if own.pending:
            return plans.settled(step, "waiting", "", [each.call_id for each in own.pending]), own
        if own.called and own.called[-1].result.status != "ok":
            return plans.settled(step, "failed", own.called[-1].result.text), own
        if not own.called and len(own.begun) >= own.max_calls:
            return plans.settled(step, "failed", "No more skills may be used for this question."), own
        return plans.settled(step, "done", said or tell.results(own.called)), own

    async def _revise(self, acting: _Acting, task: Task) -> AsyncGenerator[Event, None]:
        """Plan the rest anew, at most so often; what the steps found so far makes whatever follows tainted."""
        if task.revisions >= MAX_REVISIONS:
            return
        task.revisions += 1
        started, model = acting.notes.trace.clock(), acting.choice.model
        marker = acting.session.marker
        try:
            new = await self._planner.plan(model, acting.notes, task.text, acting.offered, task.plan, marker)
        except (ModelError, OrchestrationError):
            return
        acting.session.tainted = True
        if new:
            task.plan = plans.revised(task.plan, new)
            detail = self._line(f"Planned anew: {plans.written(new)}")
            yield acting.notes.trace.step("plan", detail, acting.notes.trace.elapsed_ms(started))

    async def _end(self, acting: _Acting, task: Task) -> AsyncGenerator[Event, None]:
        notes, session = acting.notes, acting.session
        if session.pending:
            goes = {"plan": plans.to_json(task.plan), "task": task.text, "revisions": task.revisions,
                    "marker": session.marker}  # fmt: skip
            for event in await self._ended(notes, session, plans.report(task.plan), goes, ""):
                yield event
            return
        request = self._planner.ending(notes, task.text, task.plan, session.marker)
        told_to_do = [message.content for message in request.messages if message.role == "system"]
        release = PlainRelease(Output([task.text], self._secrets), Repeats(told_to_do, task.text))
        started = notes.trace.clock()
        pieces = draft(acting.orchestrator, acting.choice.model, request, NOTHING, 1)
        try:
            async with aclosing(attempt(pieces, release, notes.progress, notes.trace, self._line)) as events:
                async for event in events:
                    yield event
        except (ModelError, OrchestrationError):
            pass  # what was done is told without a model
        yield notes.trace.step("draft", f"{notes.progress.route.model} answered", notes.trace.elapsed_ms(started))
        done = Output([task.text], self._secrets).slice(plans.report(task.plan))
        whole = f"{release.text}\n\n{done}" if release.text.strip() else f"{release.text}{done}"
        for event in await self._ended(notes, session, whole, {}, release.text):
            yield event


def _of(plan: Plan, some: Plan) -> Plan:
    numbers = {step.n for step in some}
    return tuple(step for step in plan if step.n in numbers)
