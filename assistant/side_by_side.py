"""One question to several models at once, so that their answers and their speed can be held beside each other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol
from uuid import uuid4

from assistant.types import Answer, Caller, Event, Turn, TurnOptions

MOST = 4  # models at once
# A share of the whole time. What came in one piece, as an ensemble's answer does, was written before its first word was
# seen, and tells no speed.
_PIECE = 0.02


class Runs(Protocol):
    """Runs turns; see turn.py."""

    def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """Yield what happens, and at last the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Side:
    """What one of them said. Seconds from the question on, whatever was done before the model was asked."""

    asked: str  # the name that was given
    answered: str  # the model that spoke at last, "" where none did
    answer: str
    notice: str | None
    degraded: bool
    tokens: int  # written
    first_token_s: float | None  # None: nothing was said
    tokens_per_s: float | None  # behind the first one; None where too few were written
    total_s: float


def asking(caller: Caller, question: str, model: str, grounded: bool) -> Turn:
    """Return a turn of which nothing is kept, and to which nothing that was kept is the answer."""
    return Turn(uuid4().hex, question, (), caller, TurnOptions(model, grounded=grounded, fresh=True, temporary=True))


async def side(turns: Runs, turn: Turn) -> Side:
    """Return what came of a turn, and how fast."""
    started, first_s = perf_counter(), None
    answer: Answer | None = None
    async with aclosing(turns.run(turn)) as events:
        async for event in events:
            if event.kind == "text" and first_s is None:
                first_s = perf_counter() - started
            answer = event.answer or answer
    total_s = perf_counter() - started
    assert answer is not None  # the last event of a turn is its answer
    tokens, writing_s = answer.usage.output_tokens, total_s - (first_s or 0.0)
    speed = (tokens - 1) / writing_s if tokens > 1 and first_s is not None and writing_s > _PIECE * total_s else None
    route = answer.route
    spoke = route.adapter if route.adapter and route.tier == "domain" else route.model
    return Side(
        asked=turn.options.model,
        answered=spoke,
        answer=answer.text,
        notice=answer.notice,
        degraded=answer.degraded,
        tokens=tokens,
        first_token_s=first_s,
        tokens_per_s=speed,
        total_s=total_s,
    )
