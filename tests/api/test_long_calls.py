"""Long calls over HTTP: watched and cancelled by their own person, while the call by hand still waits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from assistant.calling.service import SkillService
from assistant.calling.tracker import CallTracker
from skills.fake import FixedSource, ScriptedSkill, embed_words
from skills.settings import SkillsSettings
from skills.skillset import Skillset
from skills.types import SkillCall, SkillResult

from .conftest import World


async def _hang(call: SkillCall) -> SkillResult:
    assert call.report is not None
    call.report(0.25, "1 of 4")
    await asyncio.Event().wait()
    raise AssertionError


async def test_it_is_watched_and_cancelled_by_its_own_person_alone(world: World) -> None:
    tracker = CallTracker(world.app.engine, every_s=0.02)
    long = replace(ScriptedSkill().skill("export", tags=frozenset({"long"})), run=_hang)
    opened = partial(
        Skillset.open,
        SkillsSettings(),
        world.app.settings.data_dir,
        embed=embed_words,
        audit=world.app.skills.audit,
        builtin=lambda _: [FixedSource("long", long)],
        tracker=tracker,
    )
    world.app.skills = SkillService(opened, SkillsSettings(), world.app.skills.audit)
    async with world.client(world.ben) as ben, world.client(world.eve) as eve:
        waiting = asyncio.create_task(ben.post("/api/skills/export/call", json={}))
        async with asyncio.timeout(60):
            while not (found := (await ben.get("/api/long-calls")).json()["calls"]) or found[0]["done"] is None:
                await asyncio.sleep(0.01)
        (call,) = found
        assert (call["skill"], call["state"], call["done"], call["note"]) == ("export", "running", 0.25, "1 of 4")
        assert (await eve.get("/api/long-calls")).json() == {"calls": []}
        assert (await eve.post(f"/api/long-calls/{call['id']}/cancel")).status_code == 404
        assert (await ben.post(f"/api/long-calls/{call['id']}/cancel")).json()["state"] in ("cancelling", "cancelled")
        reply = (await asyncio.wait_for(waiting, 20)).json()
        assert reply["status"] == "failed" and "cancelled" in reply["text"]
        assert (await ben.post(f"/api/long-calls/{call['id']}/cancel")).json()["state"] == "cancelled"
    await tracker.stop()
    await world.app.skills.stop()
