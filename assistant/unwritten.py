"""Answers that no model wrote: a fixed sentence, an answer that was kept, and what is left when the models failed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from assistant.drafter import Drafter
from assistant.kept import Hit
from assistant.logs import log
from assistant.orchestration.notes import NOBODY, Notes, answer_of, quoting, unanswerable
from assistant.types import CHOSEN_BY_US, Answer, Event

_BROKEN_OFF = "The model stopped before the end of its answer."
_log = log("turn")


def fixed(notes: Notes, text: str, strategy: str, degraded: bool = False) -> Iterator[Event]:
    """Yield `text` as the answer."""
    notes.progress.route = replace(NOBODY, strategy=strategy)
    yield Event("text", text)
    yield Event("answer", answer=replace(answer_of(notes, text, 0), text=text, abstained=False, degraded=degraded))


def from_kept(notes: Notes, hit: Hit) -> Iterator[Event]:
    """Yield an answer that was written or given before."""
    notes.cached, found = True, hit.answer
    yield notes.trace.step("cache", hit.told, notes.trace.elapsed_ms())
    yield Event("text", found.text, citations=found.citations)
    yield Event("answer", answer=replace(found, steps=tuple(notes.trace.steps), timings_ms=notes.trace.total()))


async def without_model(
    notes: Notes, error: Exception, drafter: Drafter, so_far: Callable[[Notes], Answer], secrets: Sequence[str]
) -> AsyncGenerator[Event, None]:
    """Yield what can be said when the models failed: what was released, what the reader finds, or quotes.

    `so_far` makes the answer of what was released.
    """
    _log.warning("no model answered a turn", turn_id=notes.turn.id, error=type(error).__name__, detail=str(error))
    if notes.release is not None and notes.release.text:
        notes.progress.stopped_by, notes.progress.notice = "error", _BROKEN_OFF
        yield Event("notice", _BROKEN_OFF)
        yield Event("answer", answer=so_far(notes))
        return
    notes.release = None
    if not notes.passages:
        for event in fixed(notes, unanswerable(notes.turn, error), "none", degraded=True):
            yield event
        return
    async with aclosing(drafter.unaided(notes)) as events:
        async for event in events:
            yield event
    answer = so_far(notes)
    if notes.release is None:
        answer = quoting(notes, answer, secrets)
        yield Event("text", answer.text, citations=answer.citations)
    named = notes.turn.options.model != CHOSEN_BY_US
    told = unanswerable(notes.turn, error) if named else None
    yield Event("answer", answer=replace(answer, degraded=True, notice=told or answer.notice))
