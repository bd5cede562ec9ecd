"""One draft of an answer: what the model is asked, what it says, and what of that passes the check."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from assistant.guardrails.grounding import Judge
from assistant.guardrails.output import Output
from assistant.guardrails.release import GroundedRelease
from assistant.orchestration.attempt import Release, attempt
from assistant.orchestration.compose import Composed, from_documents, plain_chat
from assistant.orchestration.draft import NOTHING, draft
from assistant.orchestration.notes import Notes, checked, drafted, plain_release
from assistant.orchestration.ports import Choice, Gate
from assistant.orchestration.prompts import ChatPrompt, GroundedPrompt
from assistant.orchestration.reasoning import answer_only
from assistant.orchestration.settings import TurnSettings
from assistant.types import Event
from knowledge.types import Passage


class Drafter:
    """Asks a model once. What belongs to one turn lives in its notes.

    The methods raise ModelError or OrchestrationError when the model cannot answer.
    """

    def __init__(self, judge: Judge, gate: Gate, settings: TurnSettings, secrets: Sequence[str]) -> None:
        """Check drafts by `judge`; `secrets` are strings that no answer may hold."""
        self._judge = judge
        self._gate = gate
        self._settings = settings
        self._secrets = secrets

    async def grounded(
        self, notes: Notes, choice: Choice, prompt: GroundedPrompt, passages: Sequence[Passage]
    ) -> AsyncGenerator[Event, None]:
        """Yield what an answer from `passages` says, as far as it stands in them."""
        own = [one.text for one in notes.recalled] if converses(choice) else []
        composed = await from_documents(
            prompt, notes.turn, notes.question, passages, converses(choice), choice.model, own
        )
        if notes.turn.options.sampling.json_schema is not None:
            release: Release = plain_release(notes, self._secrets)
        else:
            output = Output([p.text for p in composed.passages], self._secrets)
            check = self._judge.open(notes.question, composed.passages, prompt.abstention)
            release = GroundedRelease(check, output, composed.passages)
        async with aclosing(self._one(notes, choice, prompt, composed, release)) as events:
            async for event in events:
                yield event
        if isinstance(release, GroundedRelease):
            yield notes.trace.step("check", checked(release), release.check_ms)

    async def plain(self, notes: Notes, choice: Choice, prompt: ChatPrompt) -> AsyncGenerator[Event, None]:
        """Yield what an answer without documents says."""
        composed = await plain_chat(prompt, notes.turn, choice.model, [one.text for one in notes.recalled])
        release = plain_release(notes, self._secrets)
        async with aclosing(self._one(notes, choice, prompt, composed, release)) as events:
            async for event in events:
                yield event

    async def _one(
        self, notes: Notes, choice: Choice, prompt: GroundedPrompt | ChatPrompt, composed: Composed, release: Release
    ) -> AsyncGenerator[Event, None]:
        orchestrator = await self._gate.ready()
        trace = notes.trace
        notes.release, notes.prompt = release, f"{prompt.name}@{prompt.version}"
        notes.progress.route = replace(choice.route, strategy=prompt.name)
        started, thoughts = trace.clock(), list[str]()
        pieces = draft(orchestrator, choice.model, composed.request, NOTHING, self._settings.max_model_calls)
        if prompt.answer_after:
            pieces = answer_only(pieces, prompt.answer_after, thoughts)
        async with aclosing(attempt(pieces, release, notes.progress, trace)) as events:
            async for event in events:
                yield event
        for thought in thoughts:
            yield trace.step("reason", Output([], self._secrets).slice(thought), 0.0)
        yield trace.step(
            "draft", drafted(notes.progress, composed.trimmed), trace.elapsed_ms(started) - release.check_ms
        )


def converses(choice: Choice) -> bool:
    """Return whether the model profits from what was said before and from what is known of the person.

    The small model has learned to answer single questions.
    """
    return choice.route.tier in ("domain", "other")
