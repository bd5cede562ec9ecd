"""Work that is done together ends together."""

from __future__ import annotations

import asyncio

import pytest

from assistant.together import together


async def test_it_returns_everything_in_order() -> None:
    async def after(s: float) -> float:
        await asyncio.sleep(s)
        return s

    assert await together(after(s) for s in (0.02, 0.0, 0.01)) == [0.02, 0.0, 0.01]
    assert await together([]) == []


async def test_the_first_failure_ends_the_others_and_is_raised_itself() -> None:
    ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.sleep(3_600)
        finally:
            ended.set()

    async def fails() -> None:
        raise LookupError("no such model")

    with pytest.raises(LookupError, match="no such model"):
        await together([waits(), fails()])
    assert ended.is_set()
