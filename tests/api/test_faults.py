"""Chats over HTTP while the models behind them fail on purpose: every stream ends, no sentence is lost or said twice.

`--fault-runs N` makes N chats of each shape; everything is drawn from the run's seed.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, func, select

from assistant import conversations
from assistant.api.app import create
from assistant.guardrails.grounding import RuleJudge
from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.fake_script import Fault, Script
from assistant.models.fake_server import FakeServer
from assistant.models.openai_http import Endpoint, OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import LOCAL, VLLM
from assistant.models.registry import Registry
from assistant.models.router import Deadlines, Lane
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.record import SqlRecords
from assistant.settings import load
from assistant.tables import turn_records
from assistant.turn import Turns
from assistant.types import Route
from knowledge.embed import HashEmbedder
from knowledge.types import Passage

from .conftest import World, make_world, serving

pytestmark = pytest.mark.fault

# Six sentences of ten words, so that a reply has the 60 tokens of the fault shapes.
_PLACES = ("Lisbon", "Rouen", "Turin", "Ghent", "Malmo", "Vienna")
_YEARS = ("1987", "1991", "1996", "2003", "2009", "2014")
SENTENCES = tuple(
    f"The {place} warehouse opened in {year} with {n + 3} docks [1]."
    for n, (place, year) in enumerate(zip(_PLACES, _YEARS, strict=True))
)
TEXT = " ".join(sentence.replace(" [1]", "") for sentence in SENTENCES)
# Long enough that the decision table asks the big model first.
QUESTION = "Each warehouse opened in a year with docks: which warehouse opened in which year, and with how many docks?"
# Deadlines of the product divided by ten, so that a run takes a tenth of the time: 0.8 s stand for 8 s.
HASTY = Deadlines(1.0, 0.8)
# Where no deadline is looked at, none may pass, however busy the machine is.
PATIENT = Deadlines(30.0, 30.0)
_MANY: dict[str, Any] = {"max_chats_per_user": 10_000, "chats_per_minute_per_user": 100_000, "resume_grace_s": 0.3}


@dataclass
class Seen:
    """What a reader saw of one chat."""

    status: int = 0
    text: str = ""
    notices: list[str] = field(default_factory=list)
    ended: int = 0  # times that the stream said that it is complete
    last: dict[str, Any] = field(default_factory=dict)  # our object in the last chunk
    event_id: str = ""
    gap_s: float = 0.0  # the longest silence

    @property
    def places(self) -> list[str]:
        return re.findall(r"The (\w+) warehouse", self.text)


@dataclass
class Door:
    """The API with a big and a small model behind it."""

    world: World
    client: httpx.AsyncClient
    big: FakeServer
    small: FakeServer
    lanes: list[Lane]

    def conversation(self) -> str:
        return conversations.create(self.world.app.engine, self.world.ben.id)

    def fails(self, *faults: Fault) -> None:
        """Have the big model fail so from now on, and the small one answer."""
        self.big.script.faults.clear()
        self.small.script.faults.clear()
        self.big.script.faults.extend(faults)

    @asynccontextmanager
    async def asked(self, conversation: str | None = None) -> AsyncIterator[httpx.Response]:
        ours = {"conversation_id": conversation} if conversation else {}
        body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True, "assistant": ours}
        async with self.client.stream("POST", "/v1/chat/completions", json=body) as reply:
            yield reply

    async def chat(self, conversation: str | None = None) -> Seen:
        async with self.asked(conversation) as reply:
            return await read(reply)

    def stored(self, conversation: str) -> dict[str, Any]:
        """Return the only turn of a conversation as it was stored."""
        found = conversations.read(self.world.app.engine, self.world.ben.id, conversation)
        assert found is not None
        (turn,) = found.turns
        answer: dict[str, Any] = turn.answer or {}
        return answer

    def records(self) -> int:
        with self.world.app.engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(turn_records)).scalar_one())


async def read(reply: httpx.Response, seen: Seen | None = None, enough: int | None = None) -> Seen:
    """Read a stream to its end, or until `enough` characters were said."""
    seen = seen or Seen()
    seen.status, last = reply.status_code, time.monotonic()
    async for line in reply.aiter_lines():
        now = time.monotonic()
        seen.gap_s, last = max(seen.gap_s, now - last), now
        if line.startswith("id: "):
            seen.event_id = line[4:]
        if line == "data: [DONE]":
            seen.ended += 1
        if not line.startswith("data: {"):
            continue
        chunk = json.loads(line[6:])
        assert "error" not in chunk, chunk
        seen.text += "".join(choice["delta"].get("content") or "" for choice in chunk.get("choices", []))
        ours = chunk.get("assistant") or {}
        seen.notices += [ours["notice"]] if ours.get("notice") and "route" not in ours else []
        seen.last = ours if "route" in ours else seen.last
        if enough is not None and len(seen.text) >= enough:
            break
    return seen


def _lane(server: FakeServer, tier: str, rules: BreakerRules, waits: Deadlines) -> Lane:
    name = server.script.name
    within = Timeouts(1.0, waits.first_token_s, waits.inter_token_s)
    model = OpenAIModel(name, fixed(Endpoint(server.url)), 8192, within, VLLM if tier == "domain" else LOCAL)
    route = Route(name, None, "domain" if tier == "domain" else "fallback", "")
    breaker = Breaker(rules, time.monotonic)
    return Lane(name, model, lambda: route, breaker, waits, tier == "domain")


@asynccontextmanager
async def _open(
    engine: Engine, folder: Path, rules: BreakerRules, waits: Deadlines = HASTY, **api: Any
) -> AsyncIterator[Door]:
    settings = load(data_dir=folder, api=_MANY | api)
    async with AsyncExitStack() as stack:
        big, small = [
            await stack.enter_async_context(FakeServer(Script(name, SENTENCES)).running()) for name in ("big", "small")
        ]
        lanes = [_lane(big, "domain", rules, waits), _lane(small, "fallback", rules, waits)]
        registry = Registry(lanes)
        world = make_world(engine, folder, settings)
        facts = Passage("c1", "d1", "depots", "Depots", "depots.md", TEXT, "", 1, "a1", 1.0)
        world.app.turns = Turns(
            ListSearch([facts]),
            registry,
            RuleJudge(HashEmbedder().embed),
            OpenGate(),
            SqlRecords(engine),
            settings.turn,
        )
        world.app.services.append(registry)
        url = stack.enter_context(serving(create(world.app), settings))
        limits = httpx.Limits(max_connections=None)
        client = httpx.AsyncClient(base_url=url, headers=world.as_(world.ben), timeout=30, limits=limits)
        yield Door(world, await stack.enter_async_context(client), big, small, lanes)


NEVER = BreakerRules(failures=10**6, silence_s=10**6)


@pytest.fixture
async def door(engine: Engine, tmp_path: Path) -> AsyncIterator[Door]:
    """A door whose models are asked again however often they fail."""
    async with _open(engine, tmp_path, NEVER) as opened:
        yield opened


@pytest.fixture
async def patient_door(engine: Engine, tmp_path: Path) -> AsyncIterator[Door]:
    """A door behind which nothing is ever late."""
    async with _open(engine, tmp_path, NEVER, PATIENT) as opened:
        yield opened


@pytest.fixture
async def waiting_door(engine: Engine, tmp_path: Path) -> AsyncIterator[Door]:
    """A door whose readers may come back for half a minute."""
    async with _open(engine, tmp_path, NEVER, resume_grace_s=30.0) as opened:
        yield opened


def p95(numbers: list[float]) -> float:
    return sorted(numbers)[max(0, round(0.95 * len(numbers)) - 1)]


SHAPES: dict[str, Callable[[random.Random], Fault]] = {
    "refuse": lambda draw: Fault("refuse"),
    "status": lambda draw: Fault("status", status=draw.choice([500, 502, 503, 429])),
    "die": lambda draw: Fault("die", after=draw.choice([1, 40, 59])),
    "reset": lambda draw: Fault("reset", after=draw.choice([1, 40, 59])),
    "no_done": lambda draw: Fault("no_done"),
    "stall": lambda draw: Fault("stall", after=draw.randrange(1, 60)),
    "zombie": lambda draw: Fault("zombie"),
    "malformed": lambda draw: Fault("malformed", after=draw.randrange(0, 60)),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_reader_gets_every_sentence_once_whatever_happens_to_the_first_model(
    shape: str, door: Door, seed: int, fault_runs: int
) -> None:
    draw, gaps = random.Random(seed), []
    for run in range(fault_runs):
        door.fails(fault := SHAPES[shape](draw))
        conversation = door.conversation()
        seen = await door.chat(conversation)
        gaps.append(seen.gap_s)
        assert seen.status == 200 and seen.ended == 1
        assert seen.places == list(_PLACES), fault  # nothing lost, nothing twice, in order
        assert seen.last["route"]["model"] == ("big" if shape == "malformed" else "small")
        assert not seen.last["degraded"] and seen.last["citations"]
        assert len(seen.notices) == (0 if shape == "malformed" else 1), fault  # of the takeover, whenever it was
        assert all({"big", "small"} <= set(notice.split()) for notice in seen.notices)
        stored = door.stored(conversation)
        assert stored["answer"] == seen.text and (stored["notice"] or "") == (seen.notices or [""])[0]
        assert door.records() == run + 1
    assert not door.big.open_streams and not door.small.open_streams
    print(f"\n{shape}: {fault_runs} chats, longest silence p95 {p95(gaps):.2f} s")


async def test_without_any_model_a_reader_gets_the_passages(door: Door, seed: int, fault_runs: int) -> None:
    draw = random.Random(seed)
    for _ in range(fault_runs):
        door.fails(draw.choice([Fault("refuse"), Fault("status", status=503)]))
        door.small.script.faults.append(draw.choice([Fault("refuse"), Fault("status", status=500)]))
        seen = await door.chat()
        assert seen.status == 200 and seen.ended == 1
        assert seen.last["degraded"] and seen.last["citations"] and "warehouse" in seen.text


async def test_a_zombie_is_passed_over_at_once_and_taken_back(engine: Engine, tmp_path: Path) -> None:
    rules = BreakerRules(failures=3, silence_s=1.0, canary_every_s=0.5, steady_s=6.0)
    async with _open(engine, tmp_path, rules) as door:
        door.fails(Fault("zombie"))
        assert (await door.chat()).places == list(_PLACES)
        quick = [await door.chat() for _ in range(5)]
        assert all(seen.last["route"]["model"] == "small" and not seen.notices for seen in quick)
        door.fails()
        async with asyncio.timeout(30):
            while (await door.chat()).last["route"]["model"] != "big":
                await asyncio.sleep(0.05)


async def test_a_flood_is_refused_at_the_door_and_those_inside_are_answered_whole(
    engine: Engine, tmp_path: Path, seed: int, fault_runs: int
) -> None:
    draw = random.Random(seed)
    async with _open(engine, tmp_path, NEVER, PATIENT, max_chats=8, max_queued_chats=8) as door:
        door.fails()
        door.big.script.rate = 400
        door.big.script.faults.extend(replace(SHAPES[shape](draw), times=1) for shape in ("die", "reset"))
        assert door.big.script.faults
        seen = await asyncio.gather(*(door.chat() for _ in range(12 * min(fault_runs, 20))))
        inside = [one for one in seen if one.status == 200]
        assert {one.status for one in seen} == {200, 429} and len(inside) >= 16
        assert all(one.places == list(_PLACES) and one.ended == 1 for one in inside)
        async with asyncio.timeout(30):
            while door.big.open_streams or door.small.open_streams:
                await asyncio.sleep(0.01)


async def test_readers_who_leave_free_the_model(patient_door: Door, seed: int, fault_runs: int) -> None:
    door = patient_door
    draw, left = random.Random(seed), 4 * fault_runs
    door.fails()
    # Twenty seconds of answer, of which two are read: on a busy machine, too, everybody leaves before its end.
    door.big.script.rate, door.big.script.tokens = 30, 600
    door.big.script.sentences = SENTENCES * 10
    whole = " ".join(SENTENCES * 10)

    async def leave(conversation: str | None) -> None:
        async with door.asked(conversation) as reply:
            await read(reply, enough=draw.randrange(1, 60))

    talks = [door.conversation() if draw.random() < 0.5 else None for _ in range(left)]
    for begin in range(0, left, 40):
        await asyncio.gather(*(leave(talk) for talk in talks[begin : begin + 40]))
        async with asyncio.timeout(30):
            while door.big.open_streams:
                await asyncio.sleep(0.01)
    assert door.big.aborted == left and not door.small.begun
    for conversation in [talk for talk in talks if talk]:
        async with asyncio.timeout(30):  # an answer is stored after its stream has ended
            while not (stored := door.stored(conversation)):
                await asyncio.sleep(0.01)
        assert stored["answer"] and whole.startswith(stored["answer"])
        assert stored["stopped_by"] == "cancelled"  # a part, and marked as one


@pytest.mark.parametrize("shape", ["none", "die", "stall"])
async def test_who_comes_back_misses_nothing_and_reads_nothing_twice(
    shape: str, waiting_door: Door, seed: int, fault_runs: int
) -> None:
    draw, door = random.Random(seed), waiting_door
    for _ in range(fault_runs):
        door.fails(Fault(shape, after=draw.randrange(1, 60)))
        door.big.script.rate = door.small.script.rate = 300
        seen = Seen()
        async with door.asked(door.conversation()) as reply:
            await read(reply, seen, enough=draw.randrange(1, len(TEXT)))
        if not seen.ended:
            address = f"/api/streams/{seen.event_id.split(':')[0]}"
            async with door.client.stream("GET", address, headers={"Last-Event-ID": seen.event_id}) as reply:
                await read(reply, seen)
        assert seen.status == 200 and seen.ended == 1 and seen.places == list(_PLACES)
