"""Slow work of one kind keeps to its own threads, even when those who asked for it have left."""

from __future__ import annotations

import asyncio
import threading

import pytest
from anyio import CapacityLimiter

from assistant.threads import in_own_thread

PATIENCE_S = 20.0


async def test_work_counts_until_it_is_over_though_nobody_waits_for_it() -> None:
    limiter, go_on = CapacityLimiter(1), threading.Event()
    running = threading.Semaphore(0)

    def slow() -> None:
        running.release()
        go_on.wait(PATIENCE_S)

    for left in range(5):
        task = asyncio.create_task(in_own_thread(limiter, slow))
        while left == 0 and limiter.borrowed_tokens == 0:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert running.acquire(timeout=PATIENCE_S)
    assert not running.acquire(blocking=False) and limiter.borrowed_tokens == 1
    go_on.set()
    assert await asyncio.wait_for(in_own_thread(limiter, lambda: 42), PATIENCE_S) == 42
    assert limiter.borrowed_tokens == 0


async def test_what_fails_says_so_and_gives_its_place_back() -> None:
    limiter = CapacityLimiter(1)

    def fails() -> None:
        raise OSError("the disk is full")

    for _ in range(2):
        with pytest.raises(OSError, match="the disk is full"):
            await asyncio.wait_for(in_own_thread(limiter, fails), PATIENCE_S)
