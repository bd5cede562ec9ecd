"""Breakers behind whole chats: who does not answer is passed over at once, taken back when well, and may not flap.

The rules are those of the product; their clock is moved by hand where a test would only wait.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import median

import httpx
import pytest
from sqlalchemy import Engine

from assistant.models.fake_script import Fault
from assistant.models.fake_server import FakeServer

from .faulty import PLACES, Door, opened

pytestmark = pytest.mark.fault
HANG_S = 60  # a guard, not a figure


class Clock:
    """A clock of breakers that goes on by itself or not, and by hand."""

    def __init__(self, runs: bool) -> None:
        self._runs, self._shift = runs, 1000.0

    def __call__(self) -> float:
        return self._shift + (time.monotonic() if self._runs else 0.0)

    async def pass_s(self, seconds: float, door: Door) -> None:
        """Move on, and wait until a canary that is due by then has come back."""
        self._shift += seconds
        breaker = door.lanes[0].breaker
        async with asyncio.timeout(HANG_S):
            while breaker.canary_due() or breaker.state() == "half-open":
                await asyncio.sleep(0.02)


def canaries(server: FakeServer) -> int:
    return sum(body.get("max_tokens") == 1 for body in server.bodies)


def chats(server: FakeServer) -> int:
    """How often it was asked for more than a sign of life."""
    return server.begun - canaries(server)


async def test_a_zombie_is_passed_over_at_once_and_taken_back(engine: Engine, tmp_path: Path, hiccup_s: float) -> None:
    clock = Clock(runs=True)
    async with opened(engine, tmp_path, clock=clock) as door:
        usual_s = median([(await door.chat()).first_s for _ in range(10)])
        door.fails(Fault("zombie"))
        first = await door.chat()
        assert first.places == list(PLACES) and len(first.notices) == 1
        assert door.lanes[0].breaker.state() == "open"  # one silence of 10 s is enough
        asked = chats(door.big)
        quick = [await door.chat() for _ in range(10)]
        assert all(seen.last["route"]["model"] == "small" and seen.places == list(PLACES) for seen in quick)
        assert chats(door.big) == asked
        # At most 100 ms more than an answer of the big model's took, on a machine where that takes none. To wait for
        # the silent one would cost 10 s each time.
        assert median([seen.first_s for seen in quick]) <= 0.1 + 2 * usual_s + hiccup_s / 2
        await clock.pass_s(10, door)
        assert door.lanes[0].breaker.state() == "open" and canaries(door.big)  # it was tried, and is not well
        door.fails()
        await clock.pass_s(10, door)
        assert (await door.chat()).last["route"]["model"] == "big"


async def test_a_proxy_whose_engine_is_dead_is_passed_over_although_it_says_that_it_is_well(
    engine: Engine, tmp_path: Path
) -> None:
    clock = Clock(runs=False)
    async with opened(engine, tmp_path, clock=clock) as door:
        door.fails(Fault("status", status=502, code="engine_down"))
        health = door.big.url.removesuffix("/v1") + "/health"
        async with httpx.AsyncClient() as client:
            assert (await client.get(health)).status_code == 200
        for _ in range(6):
            seen = await door.chat()
            assert seen.status == 200 and seen.last["route"]["model"] == "small" and seen.places == list(PLACES)
        assert chats(door.big) == 3  # so many failures open it
        await clock.pass_s(10, door)
        assert door.lanes[0].breaker.state() == "open" and canaries(door.big) == 1
        door.fails()
        await clock.pass_s(10, door)
        assert (await door.chat()).last["route"]["model"] == "big"


async def test_answers_of_a_model_that_comes_and_goes_change_hands_about_once_a_minute(
    engine: Engine, tmp_path: Path
) -> None:
    clock, minutes = Clock(runs=False), 3
    async with opened(engine, tmp_path, clock=clock) as door:
        for _ in range(6 * minutes):
            door.fails(Fault("refuse"))
            for _ in range(3):
                assert (await door.chat()).places == list(PLACES)
            door.fails()  # well whenever somebody looks, and for nothing else
            await clock.pass_s(10, door)
        # Taken back after 10 s the first time, after a minute from then on.
        assert 2 <= canaries(door.big) <= 1 + minutes
        assert chats(door.big) <= 3 * (1 + canaries(door.big))
