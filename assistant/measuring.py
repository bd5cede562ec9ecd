"""Measures how often models are right and what that costs, one measurement at a time, while the server answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from assistant.logs import log
from assistant.models.worth import Figures, holds
from assistant.side_by_side import Runs, asking
from assistant.types import Answer, Caller

MOST = 200  # questions of one measurement

Place = Callable[[], AbstractAsyncContextManager[Any]]
"""Waits for a place among the chats, which hold it while the block lasts."""
Work = Callable[[Callable[[], None]], Coroutine[Any, Any, None]]
"""Measures, calls what it is given after each answer, and keeps what came of it."""
_log = log("measuring")


@dataclass(frozen=True, slots=True)
class Case:
    """A question with the words that a right answer holds."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Underway:
    """The measurement that runs, or that ran last."""

    name: str  # of what is measured
    done: int  # answers
    total: int
    running: bool = True
    problem: str = ""  # why it came to nothing


class Measuring:
    """Runs one measurement; used from one event loop."""

    def __init__(self) -> None:
        self.underway: Underway | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self, name: str, total: int, work: Work) -> bool:
        """Begin in the background; False while another measurement runs: both would be slower than they are alone."""
        if self.underway is not None and self.underway.running:
            return False
        self.underway = Underway(name, 0, total)
        self._task = asyncio.create_task(self._run(work))
        return True

    def _step(self) -> None:
        assert self.underway is not None
        self.underway = replace(self.underway, done=self.underway.done + 1)

    async def _run(self, work: Work) -> None:
        problem = "It was cut off."
        try:
            await work(self._step)
            problem = ""
        except Exception as exc:  # noqa: BLE001 - the outermost loop of this task: what failed is shown in place of figures
            problem = str(exc) or type(exc).__name__
            _log.error("a measurement failed", name=self.underway and self.underway.name, reason=problem)
        finally:
            assert self.underway is not None
            self.underway = replace(self.underway, running=False, problem=problem)

    async def stop(self) -> None:
        """Cut off what runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


async def figures(
    turns: Runs,
    caller: Caller,
    name: str,
    cases: Sequence[Case],
    grounded: bool,
    place: Place,
    step: Callable[[], None],
) -> Figures:
    """Return how the model or ensemble `name` answers `cases`, one after the other; nothing of it is kept."""
    right, tokens, seconds = list[bool](), 0, 0.0
    for case in cases:
        async with place():
            started = perf_counter()
            answer = await _answer(turns, caller, case.question, name, grounded)
            seconds += perf_counter() - started
        usage = answer.usage
        tokens += usage.input_tokens + usage.output_tokens
        right.append(not answer.degraded and holds(answer.text, case.answer))
        step()
    return Figures(name=name, right=tuple(right), tokens=tokens / len(cases), seconds=seconds / len(cases))


async def _answer(turns: Runs, caller: Caller, question: str, name: str, grounded: bool) -> Answer:
    answer: Answer | None = None
    async with aclosing(turns.run(asking(caller, question, name, grounded))) as events:
        async for event in events:
            answer = event.answer or answer
    assert answer is not None  # the last event of a turn is its answer
    return answer
