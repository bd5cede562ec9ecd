"""One chat turn, from question to answer. This file alone knows the order of the stages; docs/architecture.md draws it.

A turn writes nothing while it runs; at its end one record is appended. An abstention, a refusal and an answer without a
model are answers, not errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import replace

from assistant.drafter import Drafter, converses
from assistant.guardrails import input as incoming
from assistant.guardrails.grounding import Judge
from assistant.kept import KeptAnswers
from assistant.logs import log
from assistant.models.errors import ModelError
from assistant.orchestration.compose import Prompts, load_prompts, persona_of
from assistant.orchestration.errors import OrchestrationError
from assistant.orchestration.examples import ExampleBank
from assistant.orchestration.languages import understood
from assistant.orchestration.lookup import found, recalled, unread
from assistant.orchestration.notes import UNINSTRUCTED, Notes, answer_of, from_notes, noticed, spoken
from assistant.orchestration.ports import (
    Attachments,
    Choice,
    FixedPrompts,
    Gate,
    Memory,
    Models,
    NoMemory,
    NoTalk,
    PromptSource,
    Search,
    Talk,
    chosen,
    no_attachments,
)  # fmt: skip
from assistant.orchestration.settings import TurnSettings
from assistant.orchestration.skill_stage import TurnSkills
from assistant.orchestration.small_talk import small_talk
from assistant.orchestration.table_stage import TableStage, by_table
from assistant.orchestration.understand import understand
from assistant.record import MemoryRecords, Records
from assistant.threads import in_thread
from assistant.types import Answer, Event, Turn
from assistant.unwritten import fixed, from_kept, without_model
from knowledge.errors import KnowledgeError
from knowledge.reader import Reader

_UNSEARCHABLE = "The documents cannot be searched at the moment. Please try again soon."
_NO_WORDS = "The model found no answer of its own. Please ask in other words, or choose another model."
_log = log("turn")


class Turns:
    """Answers questions. One object serves all callers; what belongs to one turn lives in its notes."""

    def __init__(
        self,
        search: Search,
        models: Models,
        judge: Judge,
        gate: Gate,
        records: Records,
        settings: TurnSettings,
        attachments: Attachments = no_attachments,
        secrets: Sequence[str] = (),
        skills: TurnSkills | None = None,
        tables: TableStage | None = None,
        memory: Memory | None = None,
        talk: Talk | None = None,
        prompts: PromptSource | None = None,
        kept: KeptAnswers | None = None,
        reader: Reader | None = None,
        examples: ExampleBank | None = None,
    ) -> None:
        """Wire the stages together; `secrets` are strings that no answer may hold.

        Without a `reader` the small model is shown every passage in the order of the search; without `examples` the
        first ones of a prompt are shown.
        """
        self._skills, self._tables = skills, tables
        self._search = search
        self._models = models
        self._gate = gate
        self._records = records
        self._settings = settings
        self._attachments = attachments
        self._secrets = tuple(secrets)
        self._drafter = Drafter(judge, gate, settings, self._secrets, reader, examples or ExampleBank())
        self._memory: Memory = memory or NoMemory()
        self._talk: Talk = talk or NoTalk()
        self._packaged: Prompts = load_prompts()
        self._source: PromptSource = prompts or FixedPrompts(self._packaged)
        self.kept = kept or KeptAnswers(settings)

    def over(self, search: Search, records: Records, prompts: Prompts | None = None) -> Turns:
        """Return the same turns over another search, recorded elsewhere: how the assistant is measured.

        Nobody's notes are recalled there; `prompts` takes the place of the live ones.
        """
        other = copy(self)
        other._search, other._records, other.kept = search, records, KeptAnswers(TurnSettings())
        other._skills = other._tables = None
        other._talk = NoTalk()
        other._memory, other._source = NoMemory(), FixedPrompts(prompts) if prompts else self._source
        return other

    def trying(self, prompts: Prompts | None) -> Turns:
        """Return the same turns with other prompts (None: the live ones); nothing of them is recorded or kept."""
        return self.over(self._search, MemoryRecords(), prompts)

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """Yield what happens, and at last the answer; closing the iterator ends the work and records what was said."""
        notes = Notes(turn)
        try:
            async with aclosing(self._events(notes)) as events:
                async for event in events:
                    if event.answer is not None:
                        event = noticed(turn, event)
                        await self._records.append(notes.record(event.answer or self._answer(notes)))
                    yield event
        except (asyncio.CancelledError, GeneratorExit):
            notes.progress.stopped_by = "cancelled"
            await asyncio.shield(self._records.append(notes.record(self._answer(notes))))
            raise

    async def _events(self, notes: Notes) -> AsyncGenerator[Event, None]:
        if notes.turn.options.decisions and self._skills is not None:
            async for event in self._skills.decided(notes):
                yield event
            return
        at_once = await self._at_once(notes)
        if at_once is not None:
            for event in at_once:
                yield event
            return
        turn = notes.turn
        started = notes.trace.clock()
        choice = await chosen(self._models, turn)
        notes.progress.route = choice.route
        if choice.route.reason:
            yield notes.trace.step("route", choice.route.reason, notes.trace.elapsed_ms(started))
        named = turn.options.persona.prompt if turn.options.persona else ""
        notes.prompts = (await self._source.chosen(choice.route, named)).asked(choice.strategy)
        notes.decision = choice.decision
        stages = self._from_documents(notes, choice) if turn.options.grounded else self._plain(notes, choice)
        async with aclosing(stages) as events:
            async for event in events:
                yield event

    async def _at_once(self, notes: Notes) -> Iterator[Event] | None:
        """Return the answer that needs no model, None where one has to be chosen."""
        turn, limits = notes.turn, self._settings
        if turn.options.reply:
            return fixed(notes, turn.options.reply, "skills")
        asked = incoming.check(turn.question, turn.history, limits.max_question_chars, limits.max_history_messages)
        if isinstance(asked, incoming.Refusal):
            notes.progress.stopped_by = "refused"
            return fixed(notes, asked.text, "refusal")
        notes.turn = turn = replace(turn, question=asked.question, history=asked.history)
        grounded = turn.options.grounded
        reply = small_talk(turn.question) or await self._memory.acknowledged(turn) if grounded else None
        if reply is not None:
            return fixed(notes, reply, "small_talk")
        told = await self._memory.told(turn)
        if told is not None:
            notes.told = notes.private = True
            return fixed(notes, told, "memory")
        pinned = await self.kept.pinned(turn) if grounded else None
        if pinned is not None:
            return from_kept(notes, pinned)
        cannot = await self._skills.missing(notes) if self._skills is not None else ""
        return fixed(notes, cannot, "skills") if cannot else None

    async def _from_documents(self, notes: Notes, choice: Choice) -> AsyncGenerator[Event, None]:
        """Yield memory's answer or that of a skill which the question names, or: understand, search, draft, check."""
        if self._skills is not None and await self._skills.exact(notes, choice):
            async for event in self._by_skills(notes, choice):
                yield event
                if event.answer is not None:
                    return
        try:
            attached = await self._attached(notes.turn)
            if persona_of(notes.turn) and not converses(choice):
                yield notes.trace.step("assistant", UNINSTRUCTED, 0.0)
            async for event in recalled(self._memory, self._talk, notes, converses(choice)):
                yield event
            notes.knowledge = await in_thread(self._search.version)
            prompt = self._prompts(notes).version
            personal = bool(notes.recalled or notes.earlier.shown or notes.earlier.said)
            key = self.kept.key(notes.turn, notes.knowledge, choice.route, prompt, attached is not None, personal)
            hit = await self.kept.given(key)
            if hit is not None:
                for event in from_kept(notes, hit):
                    yield event
                return
            async for event in understand(notes, choice, self._prompts(notes).condense, self._gate):
                yield event
            async for event in by_table(self._tables, notes, choice):
                yield event
                if event.answer is not None:
                    return
            yield await found(self._search, notes, attached, self._settings.search_timeout_s)
        except (KnowledgeError, TimeoutError) as error:
            _log.warning("a turn could not search", turn_id=notes.turn.id, error=str(error))
            for event in fixed(notes, _UNSEARCHABLE, "none", degraded=True):
                yield event
            return
        async with aclosing(self._drafts(notes, choice)) as events:
            async for event in events:
                # What skills find out changes, and so do the skills that a person may use.
                if event.answer is not None and not (self._skills and event.answer.abstained or notes.calls):
                    await self.kept.keep(key, event.answer)
                yield event

    async def _drafts(self, notes: Notes, choice: Choice) -> AsyncGenerator[Event, None]:
        """Yield the drafts, what skills say where none of them does, and the answer."""
        try:
            async with aclosing(self._drafter.drafts(notes, choice, self._prompts(notes))) as events:
                async for event in events:
                    yield event
        except (ModelError, OrchestrationError) as error:
            async for event in without_model(notes, error, self._drafter, self._answer, self._secrets):
                yield event
            return
        if self._answer(notes).abstained:
            async for event in self._by_skills(notes, choice):
                yield event
                if event.answer is not None:
                    return
        said = self._answer(notes)
        answer = from_notes(notes, said)
        if answer.abstained:
            told = await unread(self._search, notes.turn, await self._attached(notes.turn))
            answer = replace(understood(notes.turn, answer), notice=answer.notice or told)
        for event in spoken(said, answer):
            yield event

    async def _by_skills(self, notes: Notes, choice: Choice) -> AsyncGenerator[Event, None]:
        """Yield an answer by skills where the question needs one; they are not shown pictures, nor temporary chats."""
        options = notes.turn.options
        if self._skills is not None and not (options.pictures or options.temporary):
            async with aclosing(self._skills.run(notes, choice)) as events:
                async for event in events:
                    yield event

    async def _plain(self, notes: Notes, choice: Choice) -> AsyncGenerator[Event, None]:
        async for event in self._by_skills(notes, choice):
            yield event
            if event.answer is not None:
                return
        try:
            async for event in recalled(self._memory, self._talk, notes, used=True):
                yield event
            async with aclosing(self._drafter.plain(notes, choice, self._prompts(notes).plain)) as events:
                async for event in events:
                    yield event
        except (ModelError, OrchestrationError) as error:
            async for event in without_model(notes, error, self._drafter, self._answer, self._secrets):
                yield event
            return
        said = self._answer(notes)
        answer = from_notes(notes, said)
        if notes.release is not None and notes.release.settled and not answer.text:
            answer = replace(answer, text=_NO_WORDS, degraded=True)
        for event in spoken(said, answer):
            yield event

    async def _attached(self, turn: Turn) -> str | None:
        inside = turn.options.conversation_id
        return None if inside is None else await self._attachments(turn.caller.scope, inside)

    def _prompts(self, notes: Notes) -> Prompts:
        return notes.prompts or self._packaged

    def _answer(self, notes: Notes) -> Answer:
        return answer_of(notes, self._prompts(notes).grounded.abstention, self._settings.suggestions)
