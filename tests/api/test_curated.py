"""Curated answers over HTTP, and given in a chat."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from assistant.api.app import create
from assistant.curated.desk import Desk
from assistant.guardrails.grounding import RuleJudge
from assistant.kept import KeptAnswers
from assistant.models.fake import EchoModel
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.orchestration.ports import OneModel
from assistant.record import SqlRecords
from assistant.turn import Turns
from knowledge.embed import HashEmbedder

from .conftest import World
from .scripted import ROUTE

OPEN: dict[str, Any] = {"questions": ["When is the canteen open?"], "answer": "From 11 to 14.", "readers": ["everyone"]}
ASK = {"messages": [{"role": "user", "content": "when is the canteen open"}]}


async def test_an_administrator_writes_changes_and_deletes(world: World) -> None:
    async with world.client(world.admin) as client:
        made = await client.post("/api/curated", json=OPEN)
        assert made.status_code == 201 and made.json()["given"] == 0
        address = f"/api/curated/{made.json()['id']}"
        changed = await client.put(address, json=OPEN | {"answer": "From 12.", "enabled": False})
        assert changed.json()["answer"] == "From 12." and not changed.json()["enabled"]
        (listed,) = (await client.get("/api/curated")).json()["curated"]
        assert listed["id"] == made.json()["id"] and listed["sources_gone"] == []
        assert (await client.delete(address)).status_code == 204
        assert (await client.delete(address)).status_code == 404


async def test_what_cannot_be_given_is_refused_with_a_code(world: World) -> None:
    async with world.client(world.admin) as client:
        for wrong in ({"answer": "See [1]."}, {"sources": ["nowhere"]}, {"questions": ["  "]}):
            refused = await client.post("/api/curated", json=OPEN | wrong)
            assert refused.status_code == 422 and refused.json()["code"] == "curated-unusable", wrong
        for wrong in ({"questions": []}, {"sources": ["../../etc"]}, {"more": 1}, {"answer": "\x00"}):
            assert (await client.post("/api/curated", json=OPEN | wrong)).status_code == 422


async def test_it_is_the_answer_of_a_chat_and_counted(world: World, engine: Engine) -> None:
    settings, embed = world.app.settings.turn, HashEmbedder().embed
    kept = KeptAnswers(settings, embed, Desk(engine, embed, settings.curated_closeness))
    world.app.kept = kept
    model, judge = OneModel(EchoModel(), ROUTE), RuleJudge(embed)
    world.app.turns = Turns(ListSearch([]), model, judge, OpenGate(), SqlRecords(engine), settings, kept=kept)
    world.api = create(world.app)
    async with world.client(world.admin) as admin, world.client(world.ben) as ben:
        await admin.post("/api/curated", json=OPEN)
        await admin.post("/api/curated", json=OPEN | {"answer": "Salaries.", "readers": ["group:hr"]})
        reply = (await ben.post("/v1/chat/completions", json=ASK)).json()
        assert reply["choices"][0]["message"]["content"] == "From 11 to 14."
        assert reply["assistant"]["route"]["strategy"] == "curated"
        given = {one["answer"]: one["given"] for one in (await admin.get("/api/curated")).json()["curated"]}
        assert given == {"From 11 to 14.": 1, "Salaries.": 0}
        assert (await admin.get("/api/status")).json()["kept"]["pinned"] == 1
