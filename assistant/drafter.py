"""One draft of an answer: what the model is asked, what it says, and what of that passes the check."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from assistant.guardrails.grounding import Check, Judge, Verbatim
from assistant.guardrails.json_check import CopiedJson, JsonCheck
from assistant.guardrails.json_release import JsonRelease
from assistant.guardrails.output import Output
from assistant.guardrails.release import GroundedRelease
from assistant.orchestration.attempt import Release, attempt, text_event
from assistant.orchestration.compose import Composed, Prompts, from_documents, load_prompts, plain_chat
from assistant.orchestration.contest import contest
from assistant.orchestration.draft import NOTHING, draft
from assistant.orchestration.examples import ExampleBank
from assistant.orchestration.fill import filled
from assistant.orchestration.notes import NOBODY, Notes, checked, cut_short, drafted, plain_release
from assistant.orchestration.ports import Choice, Gate
from assistant.orchestration.prompts import ChatPrompt, GroundedPrompt, instructions
from assistant.orchestration.read import GUIDED, Read, read, readable
from assistant.orchestration.reasoning import answer_only
from assistant.orchestration.second_look import Look, again
from assistant.orchestration.settings import TurnSettings
from assistant.threads import in_thread
from assistant.types import CHOSEN_BY_US, Event
from knowledge.reader import Reader
from knowledge.types import Passage

_AGAIN = "The model repeated what it was told, so it was asked again without your notes"


class Drafter:
    """Asks a model, a second time where the first draft gave nothing. What belongs to one turn lives in its notes.

    The methods raise ModelError or OrchestrationError when the model cannot answer.
    """

    def __init__(
        self,
        judge: Judge,
        gate: Gate,
        settings: TurnSettings,
        secrets: Sequence[str],
        reader: Reader | None,
        examples: ExampleBank,
    ) -> None:
        """Check drafts by `judge`; no answer may hold one of `secrets`; `reader` stands in for the small model.

        Where a prompt has more examples than it shows, `examples` chooses.
        """
        self._examples = examples
        self._reader = reader
        self._packaged = load_prompts().grounded
        self._judge = judge
        self._gate = gate
        self._settings = settings
        self._secrets = secrets

    async def drafts(self, notes: Notes, choice: Choice, prompts: Prompts) -> AsyncGenerator[Event, None]:
        """Yield what the reader finds, where there is one; else one draft, and a second where the first was empty.

        Where a schema has several places to fill, the reader only decides whether a model is asked: bound to a schema,
        a model cannot say that it found nothing.
        """
        if self._reader is not None and self._stands_in(notes, choice, prompts.grounded):
            found, step = await _looked_up(self._reader, notes)
            yield step
            if not found.sure:
                _by_reader(notes)
                return
            schema = _schema(notes)
            if schema is None or filled(schema, found.words) is not None:
                async with aclosing(self._read(found, notes)) as events:
                    async for event in events:
                        yield event
                return
        look = Look(prompts.grounded, notes.passages) if notes.passages else None
        while look is not None:
            if look.reason:
                yield notes.trace.step("retry", look.reason, 0.0)
            async with aclosing(self.grounded(notes, choice, look.prompt, look.passages)) as events:
                async for event in events:
                    yield event
            release = notes.release
            if look.reason or not self._settings.second_draft or release is None or release.text:
                break
            look = again(notes.question, notes.passages, choice.route, prompts, release.settled)

    async def unaided(self, notes: Notes) -> AsyncGenerator[Event, None]:
        """Yield what the reader finds when no model can answer; nothing where it is not sure, or there is none."""
        passages = notes.passages if _schema(notes) is None else ()  # the reader writes no JSON
        if self._reader is None or not passages or not readable(notes.question, passages):
            return
        notes.progress.route = NOBODY
        found, step = await _looked_up(self._reader, notes)
        yield step
        if found.sure:
            async with aclosing(self._read(found, notes)) as events:
                async for event in events:
                    yield event

    def _stands_in(self, notes: Notes, choice: Choice, prompt: GroundedPrompt) -> bool:
        """Return whether the reader stands in: not for a model named or published, nor for a prompt of one's own."""
        small = choice.route.tier == "fallback" and choice.route.adapter == GUIDED
        unasked = notes.turn.options.model == CHOSEN_BY_US and prompt == self._packaged
        return small and unasked and bool(notes.passages) and readable(notes.question, notes.passages)

    async def _read(self, found: Read, notes: Notes) -> AsyncGenerator[Event, None]:
        """Yield the words that were found, or what explains them."""
        started, explained = notes.trace.clock(), found.explanation
        _by_reader(notes)
        schema, passages = _schema(notes), [found.passage]
        output = Output([found.passage.text], self._secrets, markdown=schema is None)
        if schema is not None:
            release: GroundedRelease | JsonRelease = JsonRelease(CopiedJson(), schema, output, passages)
            said = filled(schema, found.words) or ""
        else:
            fragments_to = "" if explained else self._fragments_to(found.question)
            release = GroundedRelease(Verbatim(), output, passages, fragments_to)
            said = explained or f"{found.words} [1]."
        notes.release = release
        notes.trace.timings_ms["first_token"] = notes.trace.timings_ms["read"] + notes.trace.elapsed_ms(started)
        for released in [*await release.feed(said), *await release.finish(cut_off=False)]:
            yield text_event(released)

    async def grounded(
        self, notes: Notes, choice: Choice, prompt: GroundedPrompt, passages: Sequence[Passage]
    ) -> AsyncGenerator[Event, None]:
        """Yield what an answer from `passages` says, as far as it stands in them."""
        own = [one.text for one in notes.recalled] if converses(choice) else []
        shown = await self._examples.closest(prompt, notes.question)
        composed = await from_documents(
            shown, notes.turn, notes.question, passages, converses(choice), choice.model, own, notes.earlier
        )
        check = self._judge.open(notes.question, composed.passages, prompt.abstention)
        schema = _schema(notes)
        if schema is not None:
            values = JsonCheck(check, notes.question, composed.passages)
            data = Output([], self._secrets, markdown=False)
            release: GroundedRelease | JsonRelease = JsonRelease(values, schema, data, composed.passages)
        else:
            output = Output([p.text for p in composed.passages], self._secrets)
            # Adapters of the small model answer in fragments; what else an installation runs there writes sentences.
            brief = choice.route.tier == "fallback" and choice.route.adapter is not None
            fragments_to = self._fragments_to(notes.question) if brief else ""
            release = GroundedRelease(check, output, composed.passages, fragments_to)

        def opened() -> Check:
            return self._judge.open(notes.question, composed.passages, prompt.abstention)

        # JSON is held against the passages value by value, which gives no share of sentences to compare.
        rivals = opened if schema is None else None
        async with aclosing(self._one(notes, choice, prompt, composed, release, rivals)) as events:
            async for event in events:
                yield event
        yield notes.trace.step("check", checked(release), release.check_ms)

    def _fragments_to(self, question: str) -> str:
        return question if self._settings.whole_sentences else ""

    async def plain(self, notes: Notes, choice: Choice, prompt: ChatPrompt) -> AsyncGenerator[Event, None]:
        """Yield what an answer without documents says; one that only repeats what it was told is asked for once more.

        `notes.release` is settled when nothing but instructions came out.
        """
        shown = await self._examples.closest(prompt, notes.question)
        for own in [one.text for one in notes.recalled], []:
            composed = await plain_chat(shown, notes.turn, choice.model, own, notes.earlier)
            release = plain_release(notes, self._secrets, instructions(prompt))
            async with aclosing(self._one(notes, choice, prompt, composed, release)) as events:
                async for event in events:
                    yield event
            if not release.settled or not own:
                return
            yield notes.trace.step("retry", _AGAIN, 0.0)

    def _line(self, said: str) -> str:
        """Return what a model said on the way to an answer as the steps may show it."""
        return Output([], self._secrets).slice(said)

    async def _one(
        self,
        notes: Notes,
        choice: Choice,
        prompt: GroundedPrompt | ChatPrompt,
        composed: Composed,
        release: Release,
        judge: Callable[[], Check] | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Yield one draft; where the choice has rivals, and there is a `judge`, the one that it finds better."""
        orchestrator = await self._gate.ready()
        trace = notes.trace
        notes.release, notes.prompt = release, f"{prompt.name}@{prompt.version}"
        notes.progress.route = replace(choice.route, strategy=prompt.name)
        started, thoughts = trace.clock(), list[str]()
        outcome = (
            await contest(orchestrator, choice.rivals, composed.request, judge) if choice.rivals and judge else None
        )
        if outcome is None:
            pieces = draft(orchestrator, choice.model, composed.request, NOTHING, self._settings.max_model_calls)
        else:
            pieces, won = outcome.pieces(), outcome.winner.rival.route
            notes.progress.route = replace(won, strategy=prompt.name, reason=choice.route.reason)
            for sentence in outcome.told:
                yield trace.step("vote", self._line(sentence), 0.0)
        if prompt.answer_after:
            pieces = answer_only(pieces, prompt.answer_after, thoughts)
        async with aclosing(attempt(pieces, release, notes.progress, trace, self._line)) as events:
            async for event in events:
                yield event
        asked, given = notes.turn.options.sampling.max_tokens, composed.request.sampling.max_tokens
        if told := cut_short(notes.progress, asked, given):
            notes.progress.notice = " ".join(filter(None, (notes.progress.notice, told)))
            yield Event("notice", notes.progress.notice)
        for thought in thoughts:
            yield trace.step("reason", self._line(thought), 0.0)
        yield trace.step(
            "draft", drafted(notes.progress, composed.trimmed), trace.elapsed_ms(started) - release.check_ms
        )


def _by_reader(notes: Notes) -> None:
    """Say that the reader decided, and no model was asked."""
    notes.progress.route = replace(notes.progress.route, model="reader", adapter=None, strategy="reader")


async def _looked_up(reader: Reader, notes: Notes) -> tuple[Read, Event]:
    """Return what the reader makes of the passages, and the step that tells it."""
    started = notes.trace.clock()
    attached = notes.context.attached if notes.context else frozenset[str]()
    found = await in_thread(read, reader, notes.meant, notes.passages, attached, notes.points_back)
    return found, notes.trace.step("read", found.told, notes.trace.elapsed_ms(started))


def _schema(notes: Notes) -> Mapping[str, Any] | None:
    """Return the schema of the answer that is wanted, None for an answer in words."""
    return notes.turn.options.sampling.json_schema


def converses(choice: Choice) -> bool:
    """Return whether the model profits from what was said before and from what is known of the person.

    The small model has learned to answer single questions.
    """
    return choice.route.tier in ("domain", "other")
