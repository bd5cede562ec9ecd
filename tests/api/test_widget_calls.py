"""Skills of a widget's visitors: only those that the widget names and that are open to them, and each write asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from assistant.tables import approvals
from assistant.widgets import quota, registry

from .conftest import World
from .widget_world import Page, events, make_widget


@pytest.fixture
async def page(world: World) -> AsyncIterator[Page]:
    """A widget that names the skill `write_note`, which is open to the public."""
    widget, secret = make_widget(world, skills=["write_note"])
    async with world.client(world.admin) as admin:
        opened = await admin.patch("/api/skills/write_note", json={"readers": ["everyone", "public"]})
        assert opened.status_code == 200
    async with world.client() as client:
        page = Page(client, widget, secret)
        await page.begin()
        yield page
    await world.app.skills.stop()


async def waiting(page: Page, text: str = "call me") -> dict[str, Any]:
    found: list[dict[str, Any]] = events(await page.ask(f"write {text}"))[-1]["answer"]["approvals"]
    assert [call["state"] for call in found] == ["waiting"], found
    return found[0]


async def decide(page: Page, call: dict[str, Any], verdict: str) -> Any:
    reply = await page.send("POST", f"approvals/{call['id']}/{verdict}")
    assert reply.status_code == 200, reply.text
    return reply.json()["turn"]


async def test_the_exact_call_is_shown_runs_once_and_stays_decided(page: Page, world: World) -> None:
    written = world.notebook.write.calls
    call = await waiting(page)
    assert call["skill"] == "write_note" and call["arguments"] == {"text": "call me"} and not written
    turns = await asyncio.gather(*(decide(page, call, "approve") for _ in range(4)))
    assert len(written) == 1 and written[0].arguments == {"text": "call me"}
    assert any("Kept." in turn["answer"]["text"] for turn in turns)
    shown = (await page.send("GET", "conversation")).json()["turns"][0]["answer"]
    assert shown["approvals"][0]["state"] == "done" and "Kept." in shown["text"]
    assert (await decide(page, call, "refuse"))["answer"]["approvals"][0]["state"] == "done" and len(written) == 1


async def test_a_refused_call_never_runs(page: Page, world: World) -> None:
    call = await waiting(page)
    turn = await decide(page, call, "refuse")
    assert turn["answer"]["approvals"][0]["state"] == "refused"
    await decide(page, call, "approve")
    assert not world.notebook.write.calls


async def test_a_call_that_waits_is_shown_again_after_a_reload(page: Page, world: World) -> None:
    handle = (await page.begin()).json()["resume"]
    call = await waiting(page)
    page.token = ""
    turns = (await page.begin(resume=handle)).json()["turns"]
    assert turns[0]["answer"]["approvals"] == [call]
    assert (await decide(page, call, "approve"))["answer"]["approvals"][0]["state"] == "done"


async def test_nobody_but_the_originator_decides(page: Page, world: World) -> None:
    call = await waiting(page)
    mine = page.token
    other, _ = make_widget(world, name="Other", skills=["write_note"])
    async with world.client() as client, world.client(world.admin) as admin:
        neighbour, foreigner = Page(client, page.widget, ""), Page(client, other, "")
        for stranger in (neighbour, foreigner):
            await stranger.begin()
            for verdict in ("approve", "refuse"):
                reply = await stranger.send("POST", f"approvals/{call['id']}/{verdict}")
                assert reply.status_code == 404, reply.text
        assert (await admin.post(f"/api/approvals/{call['id']}/approve")).status_code == 404
    page.token = ""
    assert (await page.send("POST", f"approvals/{call['id']}/approve")).status_code == 401
    page.token, page.origin = mine, "https://evil.example"
    assert (await page.send("POST", f"approvals/{call['id']}/approve")).status_code == 403
    assert not world.notebook.write.calls


async def test_a_skill_that_the_widget_does_not_name_is_not_the_visitors(page: Page, world: World) -> None:
    registry.change(world.app.engine, page.widget.id, changes={"skills": ["read_notes"]})
    answer = events(await page.ask("write x"))[-1]["answer"]
    assert answer["approvals"] == [] and "may not be used" in answer["text"]


async def test_a_skill_that_is_not_open_to_the_public_is_not_the_visitors(page: Page, world: World) -> None:
    async with world.client(world.admin) as admin:
        await admin.patch("/api/skills/write_note", json={"readers": ["everyone"]})
    assert events(await page.ask("write x"))[-1]["answer"]["approvals"] == []


async def test_a_skill_taken_from_the_widget_meanwhile_is_not_run(page: Page, world: World) -> None:
    call = await waiting(page)
    registry.change(world.app.engine, page.widget.id, changes={"skills": []})
    turn = await decide(page, call, "approve")
    assert turn["answer"]["approvals"][0]["state"] == "failed" and not world.notebook.write.calls


async def test_a_call_expires(page: Page, world: World) -> None:
    call = await waiting(page)
    with world.app.engine.begin() as connection:
        connection.execute(update(approvals).where(approvals.c.id == call["id"]).values(expires_at=1.0))
    turn = await decide(page, call, "approve")
    assert turn["answer"]["approvals"][0]["state"] == "expired" and not world.notebook.write.calls


async def test_a_decision_counts_like_a_question(page: Page, world: World) -> None:
    call = await waiting(page)
    registry.change(world.app.engine, page.widget.id, changes={"limits": {"messages_per_session": 1}})
    reply = await page.send("POST", f"approvals/{call['id']}/approve")
    assert reply.status_code == 429 and not world.notebook.write.calls
    assert quota.used_today(world.app.engine, page.widget.id).messages == 1
