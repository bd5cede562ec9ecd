"""Events that come while others make us wait: how far a call is, shown before the call has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from assistant.types import Event


async def alongside(
    events: AsyncGenerator[Event, None], said: asyncio.Queue[Event | None]
) -> AsyncGenerator[Event, None]:
    """Yield `events` and, between them, what is put into `said` meanwhile; closing this closes `events`.

    Raises what `events` raises, after all that came before it.
    """

    async def pump() -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    said.put_nowait(event)
        finally:
            said.put_nowait(None)

    # One task for the whole of it: a time limit inside of `events` has to begin and end in the same one.
    pumping = asyncio.create_task(pump())
    try:
        while (event := await said.get()) is not None:
            yield event
        await pumping
    finally:
        pumping.cancel()
        await asyncio.wait([pumping])
