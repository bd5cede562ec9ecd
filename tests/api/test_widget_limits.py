"""How much visitors may ask: a minute, a visit, a day, an address, and what a flood has to do first."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from assistant.api.app import create
from assistant.widgets import registry

from .conftest import World
from .widget_world import Page, make_widget


@pytest.fixture
async def page(world: World) -> AsyncIterator[Page]:
    widget, secret = make_widget(world)
    async with world.client() as client:
        yield Page(client, widget, secret)


def limited(world: World, page: Page, **limits: Any) -> None:
    registry.change(world.app.engine, page.widget.id, changes={"limits": limits})


async def test_a_visitor_asks_no_faster_than_allowed(page: Page, world: World) -> None:
    limited(world, page, messages_per_minute=3)
    await page.begin()
    statuses = [(await page.ask("x")).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert "retry-after" in (await page.ask("x")).headers


@pytest.mark.parametrize(
    "limits", [{"messages_per_session": 7}, {"messages_per_day": 7}], ids=["of a visit", "of a day"]
)
async def test_a_drain_stops_at_the_quota(page: Page, world: World, limits: dict[str, int]) -> None:
    limited(world, page, messages_per_minute=600, **limits)
    await page.begin()
    statuses = [(await page.ask("nothing" if n % 2 else "x")).status_code for n in range(60)]
    assert statuses == [200] * 7 + [429] * 53 and len(world.turns.asked) == 7


async def test_a_new_visit_does_not_reset_the_widgets_day(page: Page, world: World) -> None:
    limited(world, page, messages_per_day=2, sessions_per_day=4)
    statuses = []
    for _ in range(6):
        page.token = ""
        statuses.append((await page.begin()).status_code)
        if page.token:
            statuses.append((await page.ask("x")).status_code)
    assert statuses == [201, 200, 201, 200, 201, 429, 201, 429, 429, 429]


async def test_tokens_count_against_the_day(page: Page, world: World) -> None:
    limited(world, page, tokens_per_day=1_000, messages_per_minute=600)
    await page.begin()
    assert (await page.ask("flood 1 0")).status_code == 200  # 20,000 letters are some 5,000 tokens
    assert (await page.ask("x")).status_code == 429


async def test_one_address_begins_only_so_many_visits(page: Page, world: World) -> None:
    limited(world, page, sessions_per_hour=3)
    statuses = [(await page.begin()).status_code for _ in range(5)]
    assert statuses == [201, 201, 201, 429, 429]
    spoofed = [await page.send("POST", "session", {}, **{"X-Real-IP": f"10.0.0.{n}"}) for n in range(5)]
    assert {reply.status_code for reply in spoofed} == {429}


def solve(task: str, bits: int) -> str:
    number = 0
    while int.from_bytes(hashlib.sha256(f"{task}:{number}".encode()).digest(), "big") >> (256 - bits):
        number += 1
    return str(number)


async def test_a_flood_of_anonymous_visitors_has_to_work_first(page: Page, world: World) -> None:
    limited(world, page, challenge_above=0)
    first = await page.begin()
    assert first.status_code == 202 and page.token == ""
    task, bits = first.json()["challenge"]["task"], first.json()["challenge"]["bits"]
    good = {"task": task, "solution": solve(task, bits)}
    forged = task[:-1] + ("1" if task.endswith("0") else "0")
    wrong = [{"task": task, "solution": "x"}, {"task": forged, "solution": good["solution"]}]
    assert [(await page.begin(challenge=one)).status_code for one in wrong] == [202, 202]
    assert (await page.begin(challenge=good)).status_code == 201
    assert (await page.begin(challenge=good)).status_code == 202  # once
    assert (await page.begin(token=page.signed())).status_code == 201  # whom the host knows need not


async def test_a_question_that_breaks_before_it_is_asked_keeps_no_place(world: World) -> None:
    limits = world.app.settings.api.model_copy(update={"max_chats": 1, "max_queued_chats": 0})
    settings = world.app.settings.model_copy(update={"api": limits})
    narrow = replace(world, api=create(replace(world.app, settings=settings)))
    widget, secret = make_widget(world, assistant="0" * 32)

    def broken(*of: Any) -> None:
        if "FROM assistants" in of[2]:
            raise OperationalError(of[2], None, Exception("the disk is full"))

    async with narrow.client() as client:
        page = Page(client, widget, secret)
        await page.begin()
        event.listen(world.app.engine, "before_cursor_execute", broken)
        assert (await page.ask("x")).status_code >= 500
        event.remove(world.app.engine, "before_cursor_execute", broken)
        assert (await page.ask("x")).status_code == 200
