"""Shared chats through HTTP: who opens a link sees of its sources what they may read, and nothing of the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant import conversations, sharing
from assistant.errors import ConversationTooLong
from assistant.people import groups, users
from assistant.types import Answer, Citation, Step
from assistant.wire import answer_json
from knowledge import collections, documents
from knowledge.types import Scope

from .conftest import World
from .scripted import ROUTE

SECRET = ("Merger plan", "merger.md", "The merger with Globex closes in May", "Board", "Timetable")


@pytest.fixture
def shared(world: World) -> dict[str, str]:
    """A chat of Ben's whose answer cites a document for everyone and one for managers, of whom he is one."""
    engine = world.app.engine
    groups.add(engine, "managers")
    users.change(engine, world.ben.id, group_names=["managers"], min_password_chars=10)
    ids = {}
    for name, readers, title, path in (
        ("Handbook", ["everyone"], "Leave", "leave.md"),
        ("Board", ["group:managers"], SECRET[0], SECRET[1]),
    ):
        collection = collections.create(engine, name, "", readers)
        made = documents.add(engine, collection.id, title, path, "text/markdown", 1, path[0] * 64, [], "Ann")
        ids[name] = made.id
    ids["conversation"] = _chat(world, ids, degraded=False)
    return ids


def _chat(world: World, ids: dict[str, str], degraded: bool) -> str:
    engine = world.app.engine
    conversation = conversations.create(engine, world.ben.id, "Plans")
    asked = conversations.ask(engine, world.ben.id, conversation, "What is planned?")
    open_one = Citation(1, ids["Handbook"], "Leave", 1, "c1", "30 days", "Days", "leave.md", "Handbook", "")
    closed = Citation(2, ids["Board"], SECRET[0], 7, "c2", SECRET[2], SECRET[4], SECRET[1], SECRET[3], "a")
    text = f"“{SECRET[2]}” [2]" if degraded else "Much is planned [1][2]."
    answer = Answer(
        text, (open_one, closed), False, True, degraded, ROUTE,
        steps=(Step("search", f"Searched {SECRET[3]}", 1.0),), searched=(SECRET[3],), suggestions=(SECRET[4],),
    )  # fmt: skip
    assert asked is not None
    conversations.finish(engine, asked.turn_id, "done", answer_json(answer))
    return conversation


async def _share(world: World, conversation: str) -> str:
    async with world.client(world.ben) as client:
        reply = await client.put(f"/api/conversations/{conversation}/share")
    assert reply.status_code == 200 and reply.json()["turns"] == 1
    return str(reply.json()["id"])


async def _open(world: World, link: str, user: Any) -> tuple[int, Any]:
    async with world.client(user) as client:
        reply = await client.get(f"/api/shared/{link}")
    return reply.status_code, reply.json()


async def test_a_reader_sees_only_the_sources_that_they_may_read(world: World, shared: dict[str, str]) -> None:
    link = await _share(world, shared["conversation"])
    status, seen = await _open(world, link, world.eve)
    assert status == 200 and (seen["title"], seen["by"]) == ("Plans", "Ben")
    first, second = seen["turns"][0]["answer"]["citations"]
    assert first["readable"] and first["quote"] == "30 days"
    assert not second["readable"] and second["n"] == 2 and not any(second[key] for key in set(second) - {"n"})
    told = json.dumps(seen)
    assert not [word for word in (*SECRET, shared["Board"]) if word in told]
    owner = (await _open(world, link, world.ben))[1]["turns"][0]["answer"]["citations"]
    assert all(cited["readable"] for cited in owner) and owner[1]["title"] == SECRET[0]


async def test_rights_count_as_they_are_when_it_is_opened(world: World, shared: dict[str, str]) -> None:
    link = await _share(world, shared["conversation"])
    users.change(world.app.engine, world.eve.id, group_names=["managers"], min_password_chars=10)
    assert SECRET[0] in json.dumps((await _open(world, link, world.eve))[1])
    users.change(world.app.engine, world.eve.id, group_names=[], min_password_chars=10)
    assert SECRET[0] not in json.dumps((await _open(world, link, world.eve))[1])


@pytest.mark.parametrize("degraded", [True, False], ids=["quoted", "in a model's words"])
async def test_an_answer_that_rests_on_what_a_reader_may_not_read_is_withheld(
    world: World, shared: dict[str, str], degraded: bool
) -> None:
    link = await _share(world, _chat(world, shared, degraded))
    (turn,) = (await _open(world, link, world.eve))[1]["turns"]
    assert turn["answer"]["answer"] == sharing.WITHHELD
    (turn,) = (await _open(world, link, world.ben))[1]["turns"]
    assert ("Globex" if degraded else "Much is planned") in turn["answer"]["answer"]


async def test_it_is_a_snapshot_until_it_is_shared_again(world: World, shared: dict[str, str]) -> None:
    engine, mine = world.app.engine, shared["conversation"]
    first = await _share(world, mine)
    asked = conversations.ask(engine, world.ben.id, mine, "And my salary?")
    assert asked is not None
    conversations.finish(engine, asked.turn_id, "done", answer_json(Answer("1", (), False, True, False, ROUTE)))
    assert "salary" not in json.dumps((await _open(world, first, world.eve))[1])
    again = sharing.share(engine, world.ben.id, mine)
    assert again is not None and again.id != first
    assert (await _open(world, first, world.eve))[0] == 404
    assert "salary" in json.dumps((await _open(world, again.id, world.eve))[1])


async def test_revoking_deleting_or_suspending_ends_the_link(world: World, shared: dict[str, str]) -> None:
    engine, mine = world.app.engine, shared["conversation"]
    link = await _share(world, mine)
    users.change(engine, world.ben.id, active=False, min_password_chars=10)
    assert (await _open(world, link, world.eve))[0] == 404
    users.change(engine, world.ben.id, active=True, min_password_chars=10)
    async with world.client(world.ben) as client:
        assert (await client.get("/api/conversations")).json()["conversations"][0]["shared"]
        assert (await client.delete(f"/api/conversations/{mine}/share")).status_code == 204
        assert (await client.delete(f"/api/conversations/{mine}/share")).status_code == 404
    assert (await _open(world, link, world.eve))[0] == 404
    link = await _share(world, mine)
    conversations.remove(engine, world.ben.id, mine)
    assert (await _open(world, link, world.eve))[0] == 404


async def test_a_link_is_no_credential(world: World, shared: dict[str, str]) -> None:
    link = await _share(world, shared["conversation"])
    async with world.client() as client:
        assert (await client.get(f"/api/shared/{link}")).status_code == 401
        for path in (f"/api/shared/{link}", "/api/me"):
            assert (await client.get(path, headers={"Authorization": f"Bearer {link}"})).status_code == 401


def test_a_chat_that_nobody_would_read_is_not_shared(world: World) -> None:
    engine = world.app.engine
    mine = conversations.create(engine, world.ben.id)
    for number in range(sharing.MAX_SHARED_TURNS + 1):
        asked = conversations.ask(engine, world.ben.id, mine, f"q{number}")
        assert asked is not None
        conversations.finish(engine, asked.turn_id, "done", answer_json(Answer("1", (), False, True, False, ROUTE)))
    with pytest.raises(ConversationTooLong, match="201 answers"):
        sharing.share(engine, world.ben.id, mine)


@pytest.mark.parametrize("gone", ["right", "document"])
async def test_ones_own_chat_keeps_what_was_said_and_not_what_may_no_longer_be_read(
    world: World, shared: dict[str, str], gone: str
) -> None:
    address = f"/api/conversations/{shared['conversation']}"
    async with world.client(world.ben) as client:
        before = (await client.get(address)).json()["turns"][0]["answer"]
        if gone == "right":
            users.change(world.app.engine, world.ben.id, group_names=[], min_password_chars=10)
        else:
            documents.delete(world.app.engine, Scope(frozenset(), sees_all=True), shared["Board"])
        after = (await client.get(address)).json()["turns"][0]["answer"]
        files = [
            (
                await client.get("/api/chats/export", params={"conversation": shared["conversation"], "format": form})
            ).text
            for form in ("json", "markdown")
        ]
    assert before["citations"][1]["quote"] == SECRET[2] and "readable" not in before["citations"][0]
    assert after["answer"] == before["answer"] == "Much is planned [1][2]."
    assert after["citations"][0] == before["citations"][0]
    assert after["citations"][1]["readable"] is False and after["suggestions"] == []
    for served in (json.dumps(after["citations"]), *files):
        assert not any(told in served for told in SECRET) and shared["Board"] not in served
    assert all("30 days" in served or "Leave" in served for served in files)
