"""The one place where async code hands blocking work (SQL, files, hashing) to a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

P = ParamSpec("P")
R = TypeVar("R")

# SQLite lets one writer in at a time. A crowd that waits to write must not hold the threads that others read with:
# with 60 visitors at once, searches waited for seconds behind writers that waited for each other.
_WRITERS = 8
_writers: RunVar[CapacityLimiter] = RunVar("writers")


async def in_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Return `function(*args, **kwargs)`, run in a worker thread while the event loop goes on.

    Exceptions pass through. A task that is cancelled meanwhile is gone at once, and the work goes on to its end behind
    its back: keep the work short, and shield what has to be known of it.
    """
    return await to_thread.run_sync(lambda: function(*args, **kwargs))


async def in_own_thread(limiter: CapacityLimiter, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Like `in_thread`, but counted against `limiter`, so that slow work of one kind cannot take all the threads.

    Work whose task was cancelled counts until it is over: people who ask and leave would pile it up otherwise.
    """
    holder = object()
    await limiter.acquire_on_behalf_of(holder)
    alone = CapacityLimiter(1)
    work = asyncio.ensure_future(to_thread.run_sync(lambda: function(*args, **kwargs), limiter=alone))
    work.add_done_callback(lambda _: limiter.release_on_behalf_of(holder))
    return await asyncio.shield(work)


async def in_writer_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Like `in_thread`, for work that writes to the database: it waits in line without holding a reader's thread."""
    limiter = _writers.get(None)
    if limiter is None:
        limiter = CapacityLimiter(_WRITERS)
        _writers.set(limiter)
    return await in_own_thread(limiter, function, *args, **kwargs)
