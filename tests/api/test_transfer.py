"""Export and import of chats through HTTP."""

from __future__ import annotations

import json

from assistant import conversations
from assistant.api import transfer

from .conftest import World


async def test_chats_go_out_and_come_in_again(world: World) -> None:
    engine = world.app.engine
    mine = conversations.create(engine, world.ben.id, "Plans")
    conversations.ask(engine, world.ben.id, mine, "What is planned?")
    async with world.client(world.ben) as client:
        file = await client.get("/api/chats/export")
        assert "attachment" in file.headers["content-disposition"]
        text = await client.get(f"/api/chats/export?conversation={mine}&format=markdown")
        assert text.text.startswith("# Plans") and text.headers["content-type"].startswith("text/markdown")
        assert (await client.get("/api/chats/export?format=markdown")).status_code == 422
    async with world.client(world.eve) as client:
        reply = await client.post("/api/chats/import", content=file.content)
        assert (reply.status_code, reply.json()) == (201, {"taken": 1})
        listed = (await client.get("/api/conversations?q=planned")).json()["conversations"]
        assert [one["title"] for one in listed] == ["Plans"] and listed[0]["id"] != mine


async def test_nobody_exports_anothers_chat(world: World) -> None:
    mine = conversations.create(world.app.engine, world.ben.id, "Plans")
    for user in (world.eve, world.admin):
        async with world.client(user) as client:
            for form in ("json", "markdown"):
                reply = await client.get(f"/api/chats/export?conversation={mine}&format={form}")
                assert reply.status_code == 404 and "Plans" not in reply.text
            assert "Plans" not in (await client.get("/api/chats/export")).text


async def test_a_file_that_is_not_right_is_refused_and_nothing_is_kept(world: World) -> None:
    good = {"title": "good", "turns": [{"question": "q", "answer": "a"}]}
    half = json.dumps({"format": "inhouse-chats", "version": 1, "chats": [good, {"title": 1}]})
    async with world.client(world.ben) as client:
        reply = await client.post("/api/chats/import", content=half)
        assert reply.status_code == 422 and reply.json()["code"] == "import-refused"
        large = await client.post("/api/chats/import", content=b"[" + b" " * transfer.MAX_IMPORT_BYTES)
        assert large.status_code == 413
        assert (await client.get("/api/conversations")).json()["conversations"] == []
