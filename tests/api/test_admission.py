"""Rooms: so many inside, so many waiting, the rest refused at once and politely."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from assistant.api.admission import Capacity, Room
from assistant.api.app import create
from assistant.api.metrics import Metrics
from assistant.errors import Overloaded
from assistant.settings import load
from assistant.speech import Spoken
from assistant.types import Event, Turn

from .conftest import World, make_world, serving
from .scripted import ScriptedTurns


def _room(**capacity: Any) -> Room:
    return Room("chats", Capacity(**{"inside": 2, "waiting": 3, "per_key": 100} | capacity), Metrics())


async def test_it_lets_in_waits_and_refuses_in_this_order() -> None:
    room = _room()
    tickets = [room.enter(f"user {n}") for n in range(5)]
    assert [ticket.position for ticket in tickets] == [0, 0, 1, 2, 3] and room.crowd() == (2, 3)
    with pytest.raises(Overloaded) as refused:
        room.enter("one more")
    assert 1 <= refused.value.retry_after_s <= 30


async def test_the_next_in_line_moves_up_and_is_told() -> None:
    room = _room()
    tickets = [room.enter("u") for _ in range(5)]
    seen: list[int] = []

    async def wait() -> None:
        async for position in tickets[4].positions(every_s=0.001):
            seen.append(position)
            told.set()

    waiting, told = asyncio.create_task(wait()), asyncio.Event()
    for ticket in tickets[:3]:
        await asyncio.wait_for(told.wait(), 60)
        told.clear()
        ticket.leave()
    await asyncio.wait_for(waiting, 60)
    assert seen == [3, 2, 1] and tickets[4].position == 0


async def test_employees_go_before_visitors_and_these_before_work_that_nobody_waits_for() -> None:
    room = _room(inside=1, waiting=10)
    first = room.enter("u")
    behind, visitor, person = room.enter("e", "background"), room.enter("v", "visitor"), room.enter("p")
    assert [ticket.position for ticket in (person, visitor, behind)] == [1, 2, 3]
    first.leave()
    assert person.position == 0
    person.leave()
    assert visitor.position == 0 and behind.position == 1


async def test_nobody_waits_for_ever_behind_those_of_a_higher_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr("assistant.api.admission.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr("assistant.api.admission.AGEING_S", {"person": 0.0, "visitor": 0.02, "background": 0.05})
    room = _room(inside=1, waiting=20)
    room.enter("u")
    waiting = [room.enter("e", "background"), room.enter("v", "visitor")]
    assert [room.enter("p").position for _ in range(3)] == [1, 2, 3]
    now[0] += 0.1
    assert room.enter("p").position == 6 and [ticket.position for ticket in waiting] == [5, 4]


async def test_a_rank_cannot_fill_the_queue_before_those_ahead_of_it() -> None:
    room = _room(inside=1, waiting=4)
    room.enter("u")
    for rank, fit in (("background", 2), ("visitor", 1), ("person", 1)):
        for _ in range(fit):
            room.enter("x", rank)  # type: ignore[arg-type]
        with pytest.raises(Overloaded):
            room.enter("x", rank)  # type: ignore[arg-type]


async def _crowd(api: FastAPI, wanted: tuple[int, int]) -> None:
    """Wait until so many chats are answered, and so many stand in line."""
    async with asyncio.timeout(60):
        while api.state.doors.chats.crowd() != wanted:
            await asyncio.sleep(0.01)


async def test_a_request_may_put_itself_behind_the_others(engine: Any, tmp_path: Path) -> None:
    world = make_world(engine, tmp_path, load(data_dir=tmp_path, api={"max_chats": 1}))
    turns = Gated(world.turns)
    world.app.turns = Spoken(turns)
    with serving(api := create(world.app), world.app.settings) as url:
        async with httpx.AsyncClient(base_url=url, timeout=60, headers=world.as_(world.ben)) as client:
            ended: list[str] = []

            async def ask(name: str, **headers: str) -> None:
                body = {"messages": [{"role": "user", "content": "words 6 0.1"}]}
                assert (await client.post("/v1/chat/completions", json=body, headers=headers)).status_code == 200
                ended.append(name)

            tasks = []
            for name, headers in (("first", {}), ("behind", {"X-Assistant-Priority": "background"}), ("second", {})):
                tasks.append(asyncio.create_task(ask(name, **headers)))
                await _crowd(api, (1, len(tasks) - 1))
            turns.gate.set()
            await asyncio.gather(*tasks)
    assert ended == ["first", "second", "behind"]


async def test_who_gives_up_waiting_makes_room() -> None:
    room = _room()
    tickets = [room.enter("u") for _ in range(5)]
    tickets[3].leave()
    tickets[3].leave()
    assert tickets[4].position == 2 and room.enter("u").position == 3
    for ticket in tickets:
        ticket.leave()
    async with asyncio.timeout(30), room.place("u"):
        pass


async def test_one_person_cannot_take_all_places() -> None:
    room = _room(inside=10, per_key=2)
    held = [room.enter("greedy"), room.enter("greedy")]
    with pytest.raises(Overloaded, match="2 requests running"):
        room.enter("greedy")
    assert room.enter("honest").position == 0
    held[0].leave()
    assert room.enter("greedy").position == 0


async def test_one_person_cannot_begin_more_than_so_many_in_a_minute() -> None:
    room = _room(inside=1_000, per_minute=5)
    for _ in range(5):
        room.enter("greedy").leave()
    with pytest.raises(Overloaded) as refused:
        room.enter("greedy")
    assert 1 <= refused.value.retry_after_s <= 12
    assert room.enter("honest")


async def test_a_refused_person_holds_nothing() -> None:
    room = _room(inside=1, waiting=0)
    first = room.enter("a")
    for _ in range(10):
        with pytest.raises(Overloaded):
            room.enter("b")
    first.leave()
    assert room.enter("b").position == 0


async def test_places_are_given_back_after_an_error() -> None:
    room = _room(inside=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="x"):
            async with room.place("a"):
                raise ValueError("x")
    assert room.enter("a").position == 0


class Gated:
    """Turns that wait at a gate before they say anything."""

    def __init__(self, turns: ScriptedTurns) -> None:
        self.gate = threading.Event()
        self._turns = turns

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        while not self.gate.is_set():
            await asyncio.sleep(0.01)
        async for event in self._turns.run(turn):
            yield event


async def test_overload_is_refused_with_429_before_anybody_is_answered_and_those_inside_are_served(
    engine: Any, tmp_path: Path, flood_chats: int
) -> None:
    limits = {"max_chats": 10, "max_queued_chats": 10, "max_chats_per_user": 2_000, "chats_per_minute_per_user": 10_000}
    world = make_world(engine, tmp_path, load(data_dir=tmp_path, api=limits))
    turns = Gated(world.turns)
    world.app.turns = Spoken(turns)
    refused: list[httpx.Response] = []
    with serving(create(world.app), world.app.settings) as url:
        body = {"messages": [{"role": "user", "content": "words 20 0.005"}]}
        headers = world.as_(world.ben)

        async def ask(client: httpx.AsyncClient) -> httpx.Response:
            reply = await client.post("/v1/chat/completions", json=body, headers=headers)
            refused.extend([reply] if reply.status_code == 429 else [])
            return reply

        limit = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=url, timeout=300, limits=limit) as client:
            chats = [asyncio.create_task(ask(client)) for _ in range(flood_chats)]
            async with asyncio.timeout(300):  # a guard: refusals wait for nothing, least of all for those inside
                while len(refused) < flood_chats - 20:
                    await asyncio.sleep(0.02)
            assert sum(chat.done() for chat in chats) == len(refused)
            turns.gate.set()
            replies = await asyncio.gather(*chats)
    served = [reply for reply in replies if reply.status_code == 200]
    assert len(served) == 20 and len(refused) == flood_chats - 20
    assert all("word19" in reply.json()["choices"][0]["message"]["content"] for reply in served)
    for reply in refused:
        assert int(reply.headers["retry-after"]) >= 1 and reply.json()["error"]["type"] == "rate_limit_error"
    assert world.turns.running == 0


async def test_those_on_the_way_in_count_until_they_are_known() -> None:
    room = _room(inside=1, waiting=1)
    with room.arriving(), room.arriving():
        with pytest.raises(Overloaded), room.arriving():
            pass
        assert room.enter("a").position == 0  # whoever is known takes a place, not one more
    room.enter("b")
    with pytest.raises(Overloaded), room.arriving():
        pass


async def test_a_request_that_is_refused_later_gives_its_place_back(engine: Any, tmp_path: Path) -> None:
    world = make_world(engine, tmp_path, load(data_dir=tmp_path, api={"max_chats": 1, "max_queued_chats": 0}))
    async with world.client(world.ben) as client:
        for body in (b"{", b"{}", b'{"messages": [{"role": "user", "content": ""}]}'):
            assert (await client.post("/v1/chat/completions", content=body)).status_code in (400, 422)
        fine = {"messages": [{"role": "user", "content": "words 3 0.01"}]}
        assert (await client.post("/v1/chat/completions", json=fine)).status_code == 200


async def test_a_full_queue_is_told_before_anything_is_looked_up(engine: Any, tmp_path: Path) -> None:
    world = make_world(engine, tmp_path, load(data_dir=tmp_path, api={"max_chats": 1, "max_queued_chats": 0}))
    body = {"messages": [{"role": "user", "content": "words 3 0.01"}]}
    unknown = body | {"assistant": {"conversation_id": "nowhere"}}
    with serving(world.api, world.app.settings) as url:
        async with httpx.AsyncClient(base_url=url, timeout=30, headers=world.as_(world.ben)) as client:
            assert (await client.post("/v1/chat/completions", json=unknown)).status_code == 404
            endless = body | {"stream": True, "messages": [{"role": "user", "content": "words 100000 0.1"}]}
            async with client.stream("POST", "/v1/chat/completions", json=endless) as first:
                assert first.status_code == 200
                assert (await client.post("/v1/chat/completions", json=unknown)).status_code == 429
                stranger = {"Authorization": "Bearer nobody"}
                assert (await client.post("/v1/chat/completions", json=body, headers=stranger)).status_code == 429


async def test_who_waits_sees_the_place_in_the_queue(engine: Any, tmp_path: Path) -> None:
    world = make_world(engine, tmp_path, load(data_dir=tmp_path, api={"max_chats": 1}))
    turns = Gated(world.turns)
    world.app.turns = Spoken(turns)
    with serving(api := create(world.app), world.app.settings) as url:
        async with httpx.AsyncClient(base_url=url, timeout=60, headers=world.as_(world.ben)) as client:
            body = {"messages": [{"role": "user", "content": "words 10 0.1"}]}
            first, said = asyncio.create_task(client.post("/v1/chat/completions", json=body)), ""
            await _crowd(api, (1, 0))
            async with client.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as second:
                async for piece in second.aiter_text():
                    said += piece
                    if '"queue":{"position":1}' in said:
                        turns.gate.set()
            assert said.endswith("[DONE]\n\n") and (await first).status_code == 200


async def test_a_burst_of_one_does_not_slow_the_others(world: World) -> None:
    async with world.client(world.ben) as greedy, world.client(world.eve) as honest:
        body = {"messages": [{"role": "user", "content": "words 3 0.01"}]}
        burst = [asyncio.create_task(greedy.post("/v1/chat/completions", json=body)) for _ in range(120)]
        reply = await honest.post("/v1/chat/completions", json=body)
        statuses = [(await one).status_code for one in burst]
    assert reply.status_code == 200 and 429 in statuses and set(statuses) <= {200, 429}
