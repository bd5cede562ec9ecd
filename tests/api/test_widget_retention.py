"""What is left of what visitors said: nothing after the days that the widget keeps it, and no training data unasked."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, update

from assistant import record
from assistant.record import TurnRecord
from assistant.tables import conversations, feedback, turn_records, turns
from assistant.types import Turn
from assistant.widgets import registry, retention, transcripts
from assistant.widgets.tables import widget_conversations
from tests.outage import LOCKED, STUCK, outage

from .conftest import World
from .widget_world import Page, events, make_widget

DAY_S = 86_400


@pytest.fixture
async def page(world: World) -> AsyncIterator[Page]:
    widget, secret = make_widget(world)
    async with world.client() as client:
        page = Page(client, widget, secret)
        await page.begin()
        yield page


def recorded(world: World, turn: Turn) -> None:
    """Append what a turn of the product appends."""
    answer = world.turns._answer(turn, "yes ")
    record.append(world.app.engine, TurnRecord(turn, turn.question, (), "p@1", 1, False, answer, time.time()))


def aged(world: World, days: float) -> None:
    """Move every conversation so many days into the past."""
    with world.app.engine.begin() as connection:
        connection.execute(update(conversations).values(updated_at=time.time() - days * DAY_S))


def left(world: World) -> int:
    """How many rows of what visitors said there are."""
    with world.app.engine.connect() as connection:
        tables = (conversations, turns, feedback, turn_records, widget_conversations)
        return sum(len(connection.execute(select(table)).all()) for table in tables)


async def test_transcripts_go_with_all_that_hangs_on_them(page: Page, world: World) -> None:
    engine = world.app.engine
    turn = events(await page.ask("hello"))[0]["turn"]
    await page.send("PUT", f"turns/{turn}/feedback", {"rating": "down"})
    recorded(world, world.turns.asked[0])
    assert left(world) == 5
    aged(world, 31)
    assert retention.sweep(engine) == 0 and left(world) == 5  # 0 days: they are kept
    registry.change(engine, page.widget.id, changes={"keep_days": 32})
    assert retention.sweep(engine) == 0 and left(world) == 5
    registry.change(engine, page.widget.id, changes={"keep_days": 30})
    assert retention.sweep(engine) == 1 and left(world) == 0
    assert events(await page.ask("hello again"))[-1]["answer"]["text"]  # the visit goes on


async def test_another_widgets_transcripts_stay(page: Page, world: World) -> None:
    engine = world.app.engine
    await page.ask("hello")
    other, secret = make_widget(world, name="Other", keep_days=1)
    async with world.client() as client:
        neighbour = Page(client, other, secret)
        await neighbour.begin()
        await neighbour.ask("hello")
    aged(world, 2)
    assert retention.sweep(engine) == 1
    assert transcripts.page(engine, page.widget.id, 5) and not transcripts.page(engine, other.id, 5)


async def test_a_running_sweep_deletes_and_ends_when_told(page: Page, world: World) -> None:
    await page.ask("hello")
    registry.change(world.app.engine, page.widget.id, changes={"keep_days": 1})
    aged(world, 2)
    stop = threading.Event()
    thread = threading.Thread(target=retention.keep, args=(world.app.engine, stop))
    thread.start()
    stop.set()
    thread.join(20)
    assert not thread.is_alive() and left(world) == 0


@pytest.mark.parametrize("error", [LOCKED, STUCK])
async def test_a_sweep_goes_on_after_the_database_was_away(page: Page, world: World, error: Exception) -> None:
    await page.ask("hello")
    registry.change(world.app.engine, page.widget.id, changes={"keep_days": 1})
    aged(world, 2)
    stop = threading.Event()
    thread = threading.Thread(target=retention.keep, args=(world.app.engine, stop, 0.01))
    with outage(world.app.engine, error):
        thread.start()
    until = time.monotonic() + 20
    while left(world) and time.monotonic() < until:
        time.sleep(0.01)
    stop.set()
    thread.join()
    assert left(world) == 0


async def test_an_administrator_deletes_one_transcript(page: Page, world: World) -> None:
    await page.ask("hello")
    recorded(world, world.turns.asked[0])
    found = transcripts.page(world.app.engine, page.widget.id, 1)[0].conversation_id
    other, _ = make_widget(world, name="Other")
    async with world.client(world.admin) as admin:
        assert (await admin.delete(f"/api/widgets/{other.id}/transcripts/{found}")).status_code == 404
        assert (await admin.delete(f"/api/widgets/{page.widget.id}/transcripts/{found}")).status_code == 204
        assert (await admin.delete(f"/api/widgets/{page.widget.id}/transcripts/{found}")).status_code == 404
    assert left(world) == 0


async def test_a_widget_that_is_deleted_leaves_nothing(page: Page, world: World) -> None:
    await page.ask("hello")
    recorded(world, world.turns.asked[0])
    assert registry.remove(world.app.engine, page.widget.id) and left(world) == 0


async def test_no_data_set_learns_from_visitors_unless_the_widget_says_so(page: Page, world: World) -> None:
    engine = world.app.engine
    async with world.client(world.ben) as ben:
        body = {"messages": [{"role": "user", "content": "of an employee"}]}
        assert (await ben.post("/v1/chat/completions", json=body)).status_code == 200
    await page.ask("of a visitor")
    other, secret = make_widget(world, name="Other")
    async with world.client() as client:
        neighbour = Page(client, other, secret)
        await neighbour.begin()
        await neighbour.ask("of another visitor")
    for turn in world.turns.asked:
        recorded(world, turn)

    def questions() -> list[str]:
        return [one.data["question"] for one in record.read(engine)]

    assert questions() == ["of an employee"]
    registry.change(engine, page.widget.id, changes={"learn": True})
    assert questions() == ["of an employee", "of a visitor"]
    registry.change(engine, page.widget.id, changes={"learn": False})
    assert questions() == ["of an employee"]
