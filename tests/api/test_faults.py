"""Chats over HTTP while the models behind them fail on purpose: every stream ends, no sentence is lost or said twice.

`--fault-runs N` makes N chats of each shape; everything is drawn from the run's seed. Deadlines are those of the
product. What is held against a limit in seconds may take as much longer as a chat takes on this machine just now, and
in a short run as much as a busy machine can cost one of them.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assistant.models.fake_script import Fault
from assistant.models.openai_http import OpenAIModel

from .faulty import NEVER, PATIENT, PLACES, SENTENCES, TEXT, Door, Seen, free_port, opened, p95, read

pytestmark = pytest.mark.fault


@pytest.fixture
async def door(engine: Engine, tmp_path: Path) -> AsyncIterator[Door]:
    """A door whose models are asked again however often they fail."""
    async with opened(engine, tmp_path, NEVER) as made:
        yield made


@pytest.fixture
async def patient_door(engine: Engine, tmp_path: Path) -> AsyncIterator[Door]:
    """A door behind which nothing is ever late."""
    async with opened(engine, tmp_path, NEVER, waits=PATIENT) as made:
        yield made


@pytest.fixture
async def waiting_door(engine: Engine, tmp_path: Path) -> AsyncIterator[Door]:
    """A door whose readers may come back for half a minute."""
    async with opened(engine, tmp_path, NEVER, resume_grace_s=30.0) as made:
        yield made


SHAPES: dict[str, Callable[[random.Random], Fault]] = {
    "closed port": lambda draw: Fault(),
    "unknown name": lambda draw: Fault(),
    "refuse": lambda draw: Fault("refuse"),
    "status": lambda draw: Fault("status", status=draw.choice([500, 502, 503, 429])),
    "die": lambda draw: Fault("die", after=draw.choice([1, 40, 59])),
    "reset": lambda draw: Fault("reset", after=draw.choice([1, 40, 59])),
    "no_done": lambda draw: Fault("no_done"),
    "stall": lambda draw: Fault("stall", after=draw.randrange(1, 60)),
    "zombie": lambda draw: Fault("zombie"),
    "malformed": lambda draw: Fault("malformed", after=draw.randrange(0, 60)),
}
DOWN = ("closed port", "unknown name", "refuse", "status")
# Chats that wait for a deadline of seconds wait for it together. Their model is not asked a second time, so each meets
# the fault that was drawn for it.
TOGETHER = {"stall": 10, "zombie": 10}
# Seconds that a reader may hear nothing. A model that says nothing at all may be reading a long prompt: it has 10 s,
# once, before its breaker opens, and the other model has a second to begin on a busy machine.
SILENCE_S = dict.fromkeys(SHAPES, 5.0) | {"zombie": 11.0}
FIRST_S = 3.0  # to the first text, when the model is plainly down


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_reader_gets_every_sentence_once_whatever_happens_to_the_first_model(
    shape: str, engine: Engine, tmp_path: Path, seed: int, fault_runs: int, hiccup_s: float
) -> None:
    # Names are not looked up beyond this machine in a test: the lookup fails as it does where there is no such name.
    elsewhere = {"closed port": f"http://127.0.0.1:{free_port()}/v1", "unknown name": "http://no-such-host.invalid/v1"}
    draw, at_once = random.Random(seed), TOGETHER.get(shape, 1)
    gaps, firsts = list[float](), list[float]()
    async with opened(engine, tmp_path, NEVER, big_url=elsewhere.get(shape, "")) as door:
        usual_s = await door.usual_s(at_once)
        asked = at_once
        while len(gaps) < fault_runs:
            faults = [SHAPES[shape](draw) for _ in range(at_once)]
            door.fails(*(faults if at_once == 1 else [replace(fault, times=1) for fault in faults]))
            talks = [door.conversation() for _ in range(min(at_once, fault_runs - len(gaps)))]
            asked += len(talks)
            for talk, seen in zip(talks, await asyncio.gather(*(door.chat(talk) for talk in talks)), strict=True):
                gaps.append(seen.gap_s)
                firsts.append(seen.first_s)
                _whole(shape, door, talk, seen)
            assert door.records() == asked
        assert not door.big.open_streams and not door.small.open_streams
        model = door.lanes[0].model
        assert isinstance(model, OpenAIModel) and model.malformed_lines == (len(gaps) if shape == "malformed" else 0)
    print(f"\n{shape}: {len(gaps)} chats, longest silence p95 {p95(gaps):.2f} s, first text p95 {p95(firsts):.2f} s")
    assert p95(gaps) <= SILENCE_S[shape] + usual_s + hiccup_s
    assert shape not in DOWN or p95(firsts) <= FIRST_S + usual_s + hiccup_s


def _whole(shape: str, door: Door, conversation: str, seen: Seen) -> None:
    """Hold one chat against what its reader and the store have to have of it."""
    assert seen.status == 200 and seen.ended == 1
    assert seen.places == list(PLACES), shape  # nothing lost, nothing twice, in order
    assert seen.last["route"]["model"] == ("big" if shape == "malformed" else "small")
    assert not seen.last["degraded"] and seen.last["citations"]
    assert len(seen.notices) == (0 if shape == "malformed" else 1), shape  # of the takeover, whenever it was
    assert all({"big", "small"} <= set(notice.split()) for notice in seen.notices)
    stored = door.stored(conversation)
    assert stored["answer"] == seen.text and (stored["notice"] or "") == (seen.notices or [""])[0]


@pytest.mark.parametrize("grounded", [True, False])
async def test_without_any_model_a_reader_gets_the_passages_or_is_told_what_to_do(
    grounded: bool, door: Door, seed: int, fault_runs: int, hiccup_s: float
) -> None:
    draw, usual_s, took = random.Random(seed), await door.usual_s(1), []
    for _ in range(fault_runs):
        door.fails(draw.choice([Fault("refuse"), Fault("status", status=503), Fault("status", status=502)]))
        door.small.script.faults.append(draw.choice([Fault("refuse"), Fault("status", status=500)]))
        seen = await door.chat(grounded=grounded)
        took.append(seen.whole_s)
        assert seen.status == 200 and seen.ended == 1 and seen.last["degraded"]
        if grounded:
            assert seen.last["citations"] and "warehouse" in seen.text
        else:
            assert not seen.last["citations"] and "model" in seen.text and "warehouse" not in seen.text
    assert p95(took) <= 2.0 + usual_s + hiccup_s


async def test_a_flood_is_refused_at_the_door_and_those_inside_are_answered_whole(
    engine: Engine, tmp_path: Path, seed: int, flood_chats: int
) -> None:
    draw = random.Random(seed)
    async with opened(engine, tmp_path, NEVER, waits=PATIENT, max_chats=8, max_queued_chats=8) as door:
        door.fails()
        door.big.script.rate = 400
        door.big.script.faults.extend(replace(SHAPES[shape](draw), times=1) for shape in ("die", "reset"))
        assert door.big.script.faults
        seen = await asyncio.gather(*(door.chat() for _ in range(flood_chats)))
        inside = [one for one in seen if one.status == 200]
        assert {one.status for one in seen} == {200, 429} and len(inside) >= 16
        assert all(one.places == list(PLACES) and one.ended == 1 for one in inside)
        async with asyncio.timeout(30):
            while door.big.open_streams or door.small.open_streams:
                await asyncio.sleep(0.01)


async def test_readers_who_leave_free_the_model(
    patient_door: Door, seed: int, fault_runs: int, hiccup_s: float
) -> None:
    door = patient_door
    draw, left = random.Random(seed), 4 * fault_runs
    door.fails()
    # A minute of answer, of which two seconds are read: on a busy machine, too, everybody leaves before its end.
    door.big.script.rate, door.big.script.tokens = 30, 1_800
    door.big.script.sentences = SENTENCES * 30
    whole = " ".join(SENTENCES * 30)

    async def leave(conversation: str | None) -> None:
        async with door.asked(conversation) as reply:
            await read(reply, Seen(), enough=draw.randrange(1, 60))

    talks = [door.conversation() if draw.random() < 0.5 else None for _ in range(left)]
    for begin in range(0, left, 40):
        some, before, began = talks[begin : begin + 40], door.big.begun, time.monotonic()
        leaving = asyncio.gather(*(leave(talk) for talk in some))
        while door.big.begun < before + len(some) and not leaving.done():
            await asyncio.sleep(0.01)
        beginning_s = time.monotonic() - began  # what the machine needs for so many at once just now
        await leaving
        left_at = time.monotonic()
        async with asyncio.timeout(60):
            while door.big.open_streams:
                await asyncio.sleep(0.01)
        # 0.3 s for those in conversations, who might come back. Left alone, the answers would go on for 58 s.
        assert time.monotonic() - left_at <= 2.0 + 0.3 + beginning_s + hiccup_s
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
        assert seen.status == 200 and seen.ended == 1 and seen.places == list(PLACES)
