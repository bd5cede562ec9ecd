"""Two servers that fail on purpose behind one router: every answer is whole, none is repeated, nobody waits for long.

`--fault-runs N` makes N runs of each shape; everything is drawn from the run's seed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.errors import NoModelLeft
from assistant.models.fake_script import Fault, Script
from assistant.models.fake_server import FakeServer
from assistant.models.openai_http import Endpoint, OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import VLLM
from assistant.models.router import Deadlines, Lane, Router
from assistant.models.settings import ModelSettings
from assistant.models.types import ModelRequest, Piece
from assistant.types import Route

pytestmark = pytest.mark.fault

Ask = Callable[..., ModelRequest]
# Deadlines of the product divided by ten, so that a run takes a tenth of the time, and goals divided by ten with them.
# tests/api/test_faults.py holds whole chats against the undivided ones.
_SHIPPED = ModelSettings()
FIRST_TOKEN_S, INTER_TOKEN_S = _SHIPPED.domain_first_token_s / 10, _SHIPPED.domain_inter_token_s / 10
SILENCE_S, FIRST_S = 5.0 / 10, 3.0 / 10
PATIENT_S = 60.0  # where no deadline is looked at, none may pass, however busy the machine is


@dataclass
class Pair:
    """A big and a small server, and the router in front of them."""

    big: FakeServer
    small: FakeServer
    router: Router


@dataclass
class Seen:
    """What a reader saw of one answer."""

    routes: list[str] = field(default_factory=list)
    reason: str = ""  # why lanes before the last one did not answer
    text: str = ""
    ends: int = 0
    first_s: float = 0.0  # to the first text of the answer that counts
    gap_s: float = 0.0  # the longest silence


@asynccontextmanager
async def pair(rules: BreakerRules | None = None, patient: bool = False) -> AsyncIterator[Pair]:
    """Serve both; only the big one is ever given up for being late, and not even that one where this is `patient`."""
    async with FakeServer(Script("big")).running() as big, FakeServer(Script("small")).running() as small:
        first_s, inter_s = (PATIENT_S, PATIENT_S) if patient else (FIRST_TOKEN_S, INTER_TOKEN_S)
        waits = {"big": Deadlines(first_s, inter_s), "small": Deadlines(PATIENT_S, PATIENT_S)}
        models = [
            OpenAIModel(
                name,
                fixed(Endpoint(server.url)),
                8192,
                Timeouts(first_token_s=waits[name].first_token_s, inter_token_s=waits[name].inter_token_s),
                VLLM,
            )
            for name, server in (("big", big), ("small", small))
        ]
        lanes = [
            Lane(
                model.name,
                model,
                lambda name=model.name: Route(name, None, "domain", ""),  # type: ignore[misc]
                Breaker(rules or BreakerRules(failures=10**6, silence_s=10**6), time.monotonic),
                waits[model.name],
            )
            for model in models
        ]
        try:
            yield Pair(big, small, Router(lanes, seed=1))
        finally:
            for model in models:
                await model.close()


async def read(pieces: AsyncIterator[Piece]) -> Seen:
    seen, last = Seen(), time.monotonic()
    begun = last
    async for piece in pieces:
        now = time.monotonic()
        seen.gap_s, last = max(seen.gap_s, now - last), now
        if piece.route:
            seen.routes.append(piece.route.model)
            seen.text, seen.first_s, seen.reason = "", now - begun, piece.route.reason
        seen.text += piece.text
        seen.ends += piece.stopped_by is not None
    return seen


def whole(server: FakeServer) -> str:
    return "".join(server.script.words())


def p95(numbers: list[float]) -> float:
    return sorted(numbers)[max(0, round(0.95 * len(numbers)) - 1)]


SHAPES: dict[str, Callable[[random.Random], Fault]] = {
    "refuse": lambda draw: Fault("refuse"),
    "status": lambda draw: Fault("status", status=draw.choice([500, 502, 503, 429])),
    "die": lambda draw: Fault("die", after=draw.choice([1, 40, 59])),
    "reset": lambda draw: Fault("reset", after=draw.choice([1, 40, 59])),
    "no_done": lambda draw: Fault("no_done"),
    "stall": lambda draw: Fault("stall", after=draw.randrange(1, 59)),
    "zombie": lambda draw: Fault("zombie"),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_every_answer_is_whole_whatever_happens_to_the_first_model(
    shape: str, ask: Ask, seed: int, fault_runs: int, hiccup_s: float
) -> None:
    draw = random.Random(seed)
    async with pair() as servers:
        seen, usual_s = [], []
        for _ in range(fault_runs):
            servers.big.script.faults.clear()
            began = time.monotonic()  # what the machine itself costs just now, by an answer without a fault
            await read(servers.router.stream(ask(), ["big", "small"]))
            usual_s.append(time.monotonic() - began)
            servers.big.script.faults.append(SHAPES[shape](draw))
            seen.append(await read(servers.router.stream(ask(), ["big", "small"])))
        assert all(answer.routes[-1] == "small" for answer in seen)
        assert all(answer.text == whole(servers.small) for answer in seen)  # nothing lost, nothing twice
        assert all(answer.ends == 1 for answer in seen)
        assert all("big" in answer.reason for answer in seen)  # of which the reader's notice is made
        allowed_s = FIRST_TOKEN_S if shape == "zombie" else SILENCE_S
        assert p95([answer.gap_s for answer in seen]) <= allowed_s + hiccup_s + 3 * max(usual_s)
        if shape in ("refuse", "status"):
            assert p95([answer.first_s for answer in seen]) <= FIRST_S + hiccup_s + 3 * max(usual_s)
        assert not servers.big.open_streams


async def test_a_malformed_line_costs_nothing(ask: Ask, seed: int, fault_runs: int) -> None:
    draw = random.Random(seed)
    async with pair(patient=True) as servers:
        for _ in range(fault_runs):
            servers.big.script.faults.append(Fault("malformed", after=draw.randrange(0, 60), times=1))
            answer = await read(servers.router.stream(ask(), ["big", "small"]))
            assert answer.routes == ["big"] and answer.text == whole(servers.big)


async def test_a_zombie_is_left_alone_and_taken_back(ask: Ask) -> None:
    rules = BreakerRules(failures=3, silence_s=1.0, canary_every_s=1.0, steady_s=6.0)
    async with pair(rules) as servers:
        stop = asyncio.Event()
        tending = asyncio.create_task(servers.router.tend(stop))
        servers.big.script.faults.append(Fault("zombie"))
        first = await read(servers.router.stream(ask(), ["big", "small"]))
        assert first.text == whole(servers.small)
        assert not servers.router.lanes["big"].breaker.allows()  # one silence of 10 s is enough
        quick = [await read(servers.router.stream(ask(), ["big", "small"])) for _ in range(10)]
        assert all(answer.routes == ["small"] for answer in quick)
        assert sum(body.get("max_tokens") != 1 for body in servers.big.bodies) == 1  # of the rest all were canaries
        servers.big.script.faults.clear()
        async with asyncio.timeout(60):
            while (await read(servers.router.stream(ask(), ["big", "small"]))).routes != ["big"]:
                await asyncio.sleep(0.1)
        stop.set()
        await tending


async def test_when_both_are_down_the_turn_hears_of_it_at_once(ask: Ask, fault_runs: int) -> None:
    async with pair() as servers:
        for server in (servers.big, servers.small):
            server.script.faults.append(Fault("refuse"))
        for _ in range(fault_runs):
            with pytest.raises(NoModelLeft):
                await read(servers.router.stream(ask(), ["big", "small"]))


async def test_many_readers_who_leave_free_every_place(ask: Ask, seed: int, fault_runs: int) -> None:
    draw, left = random.Random(seed), 4 * fault_runs
    async with pair(patient=True) as servers:
        # A minute of answer, of which a second is read: on a busy machine, too, everybody leaves before its end. Words
        # that come at once are one piece, so a faster answer could be over within twenty pieces.
        servers.big.script.rate, servers.big.script.tokens = 20, 1_200

        async def leave() -> None:
            pieces = servers.router.stream(ask(max_tokens=1_200), ["big", "small"])
            for _ in range(draw.randrange(1, 20)):
                await anext(pieces)
            await pieces.aclose()

        for begin in range(0, left, 40):
            await asyncio.gather(*(leave() for _ in range(begin, min(begin + 40, left))))
            async with asyncio.timeout(30):
                while servers.big.open_streams:
                    await asyncio.sleep(0.01)
        assert servers.big.aborted == left
        assert servers.router.lanes["big"].seen.failures == 0
