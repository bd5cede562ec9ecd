"""Skills in a turn: after the documents did not answer, or in a chat without documents.

Documents first, skills after: no passage is ever in the context in which calls are made (docs/decisions/0040-skills-in-
turns.md). Models with function calling make their calls themselves; for smaller ones rules choose and the model fills
in arguments. A call that a person has to approve ends the turn; it goes on when they have decided.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol

from assistant.guardrails.output import Output
from assistant.guardrails.plain_release import PlainRelease
from assistant.guardrails.repeats import Repeats
from assistant.logs import log
from assistant.models.errors import ModelError
from assistant.models.types import ModelRequest
from assistant.orchestration import tell
from assistant.orchestration.alongside import alongside
from assistant.orchestration.attempt import attempt
from assistant.orchestration.compose import plain_chat
from assistant.orchestration.draft import Permit, draft
from assistant.orchestration.drawing import drawn, without_endpoint
from assistant.orchestration.errors import OrchestrationError
from assistant.orchestration.notes import Notes, answer_of
from assistant.orchestration.plan_stage import PlanStage
from assistant.orchestration.ports import Choice, Gate
from assistant.orchestration.prompts import Message, load_chat
from assistant.orchestration.session import Pending, SkillSession
from assistant.orchestration.settings import TurnSettings
from assistant.orchestration.small_calls import PlannedCall, SmallCaller
from assistant.threads import in_thread
from assistant.types import Answer, Caller, CallToApprove, Event, Step
from skills.types import Person, Skill, SkillCall, SkillResult

_INSTRUCTIONS = "instructions"  # the tag of a SKILL.md, which a larger model follows and a small one shows
_SEARCHED_ALREADY = "search_documents"
_log = log("skills")

Goes = dict[str, Any]  # what a turn goes on from after an approval, as JSON


class Skills(Protocol):
    """The skills of this installation."""

    @property
    def caller(self) -> SmallCaller | None:
        """Return what plans calls for small models; None while skills are being loaded."""
        ...

    async def for_person(self, person: Person) -> list[Skill]:
        """Return the skills that `person` may call now, by name; empty while they are being loaded."""
        ...

    async def call(self, call: SkillCall) -> SkillResult:
        """Run a call through all guards; never raises for what a skill does."""
        ...


Park = Callable[[Notes, Sequence[Pending], Goes], Awaitable[list[CallToApprove]]]


class TurnSkills(Protocol):
    """Skills as a turn uses them."""

    async def exact(self, notes: Notes, choice: Choice) -> bool:
        """Return whether the question is one for skills in so many words, so that documents need not be asked."""
        ...

    async def missing(self, notes: Notes) -> str:
        """Return the sentence for who asks for what no skill here can do, "" for everything else."""
        ...

    def run(self, notes: Notes, choice: Choice) -> AsyncGenerator[Event, None]:
        """Yield steps, and the answer where the question needs a skill."""
        ...

    def decided(self, notes: Notes) -> AsyncGenerator[Event, None]:
        """Yield what comes of the turn's decisions about calls that wait, and its answer."""
        ...


def person_of(caller: Caller, conversation: str | None = None) -> Person:
    """Return the originator as skills know them, in a conversation: with exactly the caller's principals."""
    return Person(caller.user_id, caller.scope.principals, only=caller.skills, conversation=conversation)


class SkillStage:
    """Finds and calls the skills that a question needs."""

    def __init__(
        self, skills: Skills, gate: Gate, settings: TurnSettings, park: Park, secrets: Sequence[str] = ()
    ) -> None:
        """`park` stores calls that wait, durably, and returns them as they are shown."""
        self._skills = skills
        self._gate = gate
        self._settings = settings
        self._park = park
        self._secrets = tuple(secrets)
        self._prompt = load_chat("use_skills")
        self.plans = PlanStage(gate, self._secrets, self._ended)

    async def exact(self, notes: Notes, choice: Choice) -> bool:
        """Return whether rules read the question as one for skills; a model that calls functions decides by itself."""
        caller = self._skills.caller
        if caller is None or choice.tools or notes.turn.options.sampling.json_schema is not None:
            return False
        offered = await self._skills.for_person(person_of(notes.turn.caller))
        return await in_thread(caller.exact, notes.question, offered)

    async def missing(self, notes: Notes) -> str:
        """Return the sentence for who asks for a picture that nothing here can make, "" for everything else."""
        if self._skills.caller is None:  # still being loaded
            return ""
        offered = await self._skills.for_person(person_of(notes.turn.caller))
        return without_endpoint(notes.question, notes.turn.options, offered)

    async def run(self, notes: Notes, choice: Choice) -> AsyncGenerator[Event, None]:
        """Yield steps, and the answer where a skill was used or a call waits; without an answer no skill was needed.

        In a chat without documents, a model that calls functions by itself answers in any case.
        """
        turn = notes.turn
        offered = await self._skills.for_person(person_of(turn.caller))
        if not offered or turn.options.sampling.json_schema is not None:
            return
        # What was said before may repeat what a document or a result said; a colleague may have written anything.
        persona = turn.options.persona
        tainted = any(message.role == "assistant" for message in turn.history) or (
            persona is not None and persona.foreign and bool(persona.instructions)
        )
        said: asyncio.Queue[Event | None] = asyncio.Queue()

        def show(line: str) -> None:
            said.put_nowait(Event("step", step=Step("progress", self.line(line), notes.trace.elapsed_ms())))

        person = person_of(turn.caller, turn.options.conversation_id)
        session = SkillSession(person, self._settings.max_skill_calls, turn.id, tainted, tell=show)
        try:
            task = await self.plans.plan(notes, choice, offered)
            if task is not None:
                stage = self.plans.run(notes, choice, session, offered, task)
            elif choice.tools:
                composed = await plain_chat(self._prompt, replace(turn, question=notes.question), choice.model)
                stage = self.by_model(notes, choice, session, offered, composed.request, hold=turn.options.grounded)
            else:
                stage = self._by_rules(notes, choice, session, offered)
            async with aclosing(alongside(stage, said)) as events:
                async for event in events:
                    yield event
        except (ModelError, OrchestrationError) as error:
            _log.warning("skills ended early", turn_id=turn.id, error=type(error).__name__)
            notes.calls += session.called
            if session.called or session.pending:
                for event in await self._ended(notes, session, tell.results(session.called), {}):
                    yield event

    async def by_model(
        self,
        notes: Notes,
        choice: Choice,
        session: SkillSession,
        offered: Sequence[Skill],
        request: ModelRequest,
        hold: bool,
    ) -> AsyncGenerator[Event, None]:
        """Yield what a model does that calls functions by itself; `hold`: it says nothing unless it calls one."""
        orchestrator = await self._gate.ready()
        permit = Permit(orchestrator.offer(offered), session.max_calls, session)
        halted: list[Message] = []

        def halt(messages: tuple[Message, ...]) -> bool:
            halted[:] = messages if session.pending else ()
            return bool(session.pending)

        given = [message.content for message in request.messages if message.role == "user"]
        told_to_do = [message.content for message in request.messages if message.role == "system"]
        release = PlainRelease(Output(given, self._secrets), Repeats(told_to_do, notes.turn.question))
        notes.prompt = f"{self._prompt.name}@{self._prompt.version}"
        notes.progress.route = replace(choice.route, strategy=self._prompt.name)
        started, told, held = notes.trace.clock(), 0, list[Event]()
        pieces = draft(orchestrator, choice.model, request, permit, self._settings.max_model_calls, halt)
        async with aclosing(attempt(pieces, release, notes.progress, notes.trace, self.line)) as events:
            async for event in events:
                for step in self._steps(notes, session, told):
                    yield step
                told = len(session.called)
                held.append(event)
                if told or not hold:
                    for ready in held:
                        yield ready
                    held.clear()
        for step in self._steps(notes, session, told):
            yield step
        if hold and not session.called:
            return
        notes.calls += session.called
        yield notes.trace.step("draft", f"{notes.progress.route.model} answered", notes.trace.elapsed_ms(started))
        goes = {"messages": [_message_json(each) for each in halted], "marker": session.marker}
        said = release.text or ("" if session.pending else tell.results(session.called))
        for event in await self._ended(notes, session, said, goes, streamed=release.text):
            yield event

    async def _by_rules(
        self, notes: Notes, choice: Choice, session: SkillSession, offered: Sequence[Skill]
    ) -> AsyncGenerator[Event, None]:
        caller = self._skills.caller
        usable = [skill for skill in offered if skill.name != _SEARCHED_ALREADY]
        if caller is None or not usable:
            return
        plan = await caller.plan(choice.model, notes.question, usable)
        if not plan.considered:
            return
        if not plan.calls:
            yield notes.trace.step("choose", _unfit(plan.problems), plan.choose_ms + plan.fill_ms)
            return
        names = ", ".join(dict.fromkeys(call.skill.name for call in plan.calls))
        yield notes.trace.step("choose", f"Chose {names}", plan.choose_ms + plan.fill_ms)
        if len(plan.calls) > 1:
            steps = (f"{n}. {tell.written(call.skill.name, call.arguments)}" for n, call in enumerate(plan.calls, 1))
            yield notes.trace.step("plan", self.line(f"Planned, at the same time: {'; '.join(steps)}"), 0.0)
        await self._call_all(plan.calls, session)
        for step in self._steps(notes, session, 0):
            yield step
        notes.calls += session.called
        told = [called for called in session.called if called.result.status != "ask"]
        # What a skill could not do is the answer where the question was for it in any case, else a hint beside it.
        wanted = not notes.turn.options.grounded or all(call.skill.reads is not None for call in plan.calls)
        if session.pending or wanted or any(called.result.status in ("ok", "failed") for called in told):
            notes.progress.route = replace(choice.route, strategy=self._prompt.name)
            said = tell.results(told, corrections=True)
            shown = [call.skill.name for call in plan.calls if _INSTRUCTIONS in call.skill.tags]
            lead = f"The instructions *{shown[0]}* say:\n\n" if len(shown) == len(plan.calls) == 1 else ""
            for event in await self._ended(notes, session, lead + said, {}):
                yield event
        elif told:
            notes.progress.notice = self.line(f"{told[0].skill} was tried: {tell.result(told[0])}")
            yield Event("notice", notes.progress.notice)

    async def _call_all(self, calls: Sequence[PlannedCall], session: SkillSession) -> None:
        """Make the calls side by side, through the kernel and its filters like those of any model."""
        orchestrator = await self._gate.ready()
        permit = Permit(orchestrator.offer([call.skill for call in calls]), session.max_calls, session)
        made = [
            {"id": f"p{n}", "function": {"name": f"skills-{call.skill.name}", "arguments": json.dumps(call.arguments)}}
            for n, call in enumerate(calls, start=1)
        ]
        await asyncio.gather(*(orchestrator.call(call, permit, n) for n, call in enumerate(made, start=1)))

    async def _ended(
        self, notes: Notes, session: SkillSession, said: str, goes: Goes, streamed: str = ""
    ) -> list[Event]:
        """Return the last events: what is still to be said, and the answer, stopped where a call waits."""
        shown = said if streamed else Output([notes.question], self._secrets).slice(said)
        calls: list[CallToApprove] = []
        if session.pending:
            calls = await self._park(notes, session.pending, {**goes, "said": shown})
        text = "\n\n".join(part for part in (shown, tell.waiting(calls) if calls else "") if part)
        answer = replace(finished(notes, text), approvals=tuple(calls), stopped_by="tool_calls" if calls else "stop")
        rest = text[len(streamed) :]
        return [*([Event("text", rest)] if rest else []), Event("answer", answer=answer)]

    def line(self, said: str) -> str:
        """Return a line about a call as the turn's steps may show it: what it holds of secrets is left out."""
        return Output([], self._secrets, markdown=False).slice(said)

    def _steps(self, notes: Notes, session: SkillSession, told: int) -> Iterator[Event]:
        for called in session.called[told:]:
            yield notes.trace.step("skill", tell.step(called, self.line), called.result.ms)


def finished(notes: Notes, text: str) -> Answer:
    """Return an answer that rests on results and cites no passage."""
    made = answer_of(replace(notes, release=None), "", 0)
    made = replace(made, text=text, citations=(), abstained=False, grounded=True, nearest=(), suggestions=())
    return replace(made, pictures=drawn(notes.calls))


def _unfit(problems: Sequence[str]) -> str:
    return f"A skill seemed to fit, but what it needs is not in the question ({problems[0][:200]})"


def _message_json(message: Message) -> dict[str, Any]:
    return {
        "role": message.role,
        "content": message.content,
        "tool_calls": [dict(call) for call in message.tool_calls],
        "tool_call_id": message.tool_call_id,
    }
