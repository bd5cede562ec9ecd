"""What the widget routes share: rates, the challenge, and work that goes on behind an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field

from assistant.logs import log
from assistant.widgets.challenge import Challenge
from assistant.widgets.outbox import Outbox
from assistant.widgets.rates import Rates

_log = log("widgets")


@dataclass(slots=True)
class WidgetDoors:
    """One per application."""

    challenge: Challenge
    outbox: Outbox
    rates: Rates = field(default_factory=Rates)
    _tasks: set[asyncio.Task[object]] = field(default_factory=set)

    def later(self, work: Coroutine[object, object, object]) -> None:
        """Run `work` behind the answer; what it raises is logged."""
        task: asyncio.Task[object] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("work behind an answer failed", error=type(error).__name__, exc_info=error)

    async def stop(self) -> None:
        """Wait a little for what is still being sent; what is not done then was stored as waiting."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5.0)
        for task in list(self._tasks):
            task.cancel()
