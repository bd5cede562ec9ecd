"""The one place where async code hands blocking work (SQL, files, hashing) to a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Return `function(*args, **kwargs)`, run in a worker thread while the event loop goes on.

    Exceptions pass through. A caller that is cancelled meanwhile still waits for the work's end, so that nothing goes
    on behind its back: keep the work short.
    """
    return await to_thread.run_sync(lambda: function(*args, **kwargs))


async def in_own_thread(limiter: CapacityLimiter, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Like `in_thread`, but counted against `limiter`, so that slow work of one kind cannot take all the threads."""
    return await to_thread.run_sync(lambda: function(*args, **kwargs), limiter=limiter)
