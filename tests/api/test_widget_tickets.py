"""A visitor's request for a person as a ticket, through the visitor's own door and a real set of skills."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.calling.service import SkillService
from skills.audit import AuditFile
from skills.fake import FixedSource, ScriptedSkill, embed_words
from skills.settings import SkillsSettings
from skills.skillset import Skillset
from skills.types import SkillResult

from .conftest import World
from .widget_world import Page, make_widget

TEXT = {"type": "string"}
TICKET = {
    "type": "object",
    "properties": {"title": TEXT, "description": TEXT, "priority": TEXT},
    "required": ["title", "description"],
    "additionalProperties": False,
}
PUBLIC = frozenset({"everyone", "public"})
Asked = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def asked(world: World, tmp_path: Path) -> AsyncIterator[Asked]:
    """Ask for a person in a widget that hands over to the skill `create_ticket`; returns what admins read."""

    async def ask(script: ScriptedSkill, parameters: dict[str, Any] = TICKET, readers: frozenset[str] = PUBLIC) -> Any:
        audit = AuditFile(tmp_path / "calls.jsonl")
        source = FixedSource("tickets", script.skill("create_ticket", "write", "Opens one.", parameters, readers))

        async def opened() -> Skillset:
            return await Skillset.open(
                SkillsSettings(), tmp_path, embed=embed_words, audit=audit, builtin=lambda _: [source]
            )

        await world.app.skills.stop()
        world.app.skills = SkillService(opened, SkillsSettings(), audit)
        await world.app.skills.ready()
        widget, secret = make_widget(world, hand_over={"skill": "create_ticket"})
        async with world.client() as client, world.client(world.admin) as admin:
            page = Page(client, widget, secret)
            await page.begin()
            await page.ask("Where is my parcel?")
            sent = await page.send("POST", "hand-over", {"contact": "zoe@example.org", "note": "Please call."})
            assert sent.status_code == 202, sent.text
            while True:
                found = (await admin.get(f"/api/widgets/{widget.id}/hand-overs")).json()["hand_overs"][0]
                if found["status"] != "waiting":
                    return found
                await asyncio.sleep(0.01)

    yield ask
    await world.app.skills.stop()


async def test_the_skill_opens_one_ticket_in_the_visitors_name(asked: Asked) -> None:
    script = ScriptedSkill()
    request = await asked(script)
    assert (request["status"], request["detail"]) == ("sent", "")
    (call,) = script.calls
    assert "asks for a person" in call.arguments["title"] and call.person.principals == frozenset({"public"})
    for said in ("Where is my parcel?", "word0 word1", "Please call.", "zoe@example.org"):
        assert said in call.arguments["description"]


async def test_a_skill_that_is_not_open_to_visitors_is_not_called(asked: Asked) -> None:
    script = ScriptedSkill()
    request = await asked(script, readers=frozenset({"everyone"}))
    assert request["status"] == "failed" and "open it to 'public'" in request["detail"] and not script.calls


async def test_a_skill_that_needs_something_else_is_not_called(asked: Asked) -> None:
    script = ScriptedSkill()
    request = await asked(script, TICKET | {"required": ["title", "description", "priority"]})
    assert request["status"] == "failed" and "name another" in request["detail"] and not script.calls


async def test_what_the_skill_answers_is_told_to_the_administrator(asked: Asked) -> None:
    request = await asked(ScriptedSkill(SkillResult("failed", "The ticket system is being repaired.")))
    assert request["status"] == "failed" and "being repaired" in request["detail"]
