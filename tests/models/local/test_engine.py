"""The engine between the event loop and its thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from assistant.models.local.backend import Emission
from assistant.models.local.engine import Engine
from assistant.models.local.fake_backend import CountingBackend
from assistant.models.types import Sampling


class Stuck(CountingBackend):
    """A backend whose step takes until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.going = threading.Event(), threading.Event()

    def step(self) -> list[Emission]:
        self.thread = threading.current_thread()
        self.begun.set()
        assert self.going.wait(60)
        return super().step()


async def test_who_stops_it_does_not_wait_for_a_long_step_whose_end_reaches_nobody() -> None:
    backend, broken = Stuck(), list[BaseException]()
    engine = Engine(backend, 8, broken.append)
    engine.start()

    async def ask() -> list[str]:
        return [piece.text async for piece in engine.stream((1, 2), Sampling())]

    asked = asyncio.create_task(ask())
    await asyncio.to_thread(backend.begun.wait, 60)
    await asyncio.to_thread(engine.stop)
    assert backend.thread.is_alive()
    backend.going.set()
    await asyncio.to_thread(backend.thread.join, 60)
    assert not backend.thread.is_alive() and not asked.done() and broken == []
    asked.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asked
