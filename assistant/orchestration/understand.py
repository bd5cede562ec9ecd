"""The question made to stand alone: by rules, or by the model where it is good enough."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from assistant.logs import log
from assistant.models.errors import ModelError
from assistant.orchestration.compose import rewrite
from assistant.orchestration.condense import Standalone, condense, rewritten
from assistant.orchestration.draft import NOTHING, draft
from assistant.orchestration.errors import OrchestrationError
from assistant.orchestration.notes import Notes
from assistant.orchestration.ports import Choice, Gate
from assistant.orchestration.prompts import ChatPrompt
from assistant.types import Event

_log = log("turn")


async def understand(notes: Notes, choice: Choice, prompt: ChatPrompt, gate: Gate) -> AsyncGenerator[Event, None]:
    """Note what the question means beside what was said before, and yield a step when that adds something."""
    turn, started = notes.turn, notes.trace.clock()
    notes.standalone = condense(turn.question, turn.history)
    if not notes.standalone.topic:
        return
    if choice.route.tier in ("domain", "other"):
        reply = ""
        try:
            request = rewrite(prompt, turn)
            async with aclosing(draft(await gate.ready(), choice.model, request, NOTHING, 1)) as pieces:
                async for piece in pieces:
                    reply += piece.text
        except (ModelError, OrchestrationError) as error:
            _log.info("a follow-up was condensed by rules", turn_id=turn.id, error=type(error).__name__)
        question = rewritten(reply, turn.question)
        if question:
            notes.standalone = Standalone(question, (question,), notes.standalone.topic)
    understood = f"Understood as: {notes.standalone.either or notes.standalone.question}"
    yield notes.trace.step("condense", understood, notes.trace.elapsed_ms(started))
