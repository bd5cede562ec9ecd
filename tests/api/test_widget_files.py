"""Files of a visitor: only where the widget allows them, seen by nobody else, and gone with the transcript."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from assistant.attachments import attached
from assistant.widgets import registry, transcripts
from ingest import worker
from knowledge import collections, documents
from knowledge.database import reading
from knowledge.tables import chunks
from knowledge.tables import documents as documents_table
from knowledge.types import Scope

from .conftest import World, eventually
from .widget_world import Page, make_widget

TEXT = b"The invoice 4711 is about a lamp for 30 euros."


@pytest.fixture
async def page(world: World) -> AsyncIterator[Page]:
    widget, secret = make_widget(world, attachments={"allowed": True, "max_files": 2, "endings": ["txt", "pdf"]})
    async with world.client() as client:
        page = Page(client, widget, secret)
        await page.begin()
        yield page


async def attach(page: Page, name: str = "invoice.txt", data: bytes = TEXT, **fields: Any) -> httpx.Response:
    headers = {"Origin": page.origin, "Authorization": f"Bearer {page.token}"}
    address = f"/api/widget/{page.widget.id}/files"
    return await page.client.post(address, files={"files": (name, data)}, data=fields, headers=headers)


def rows(world: World) -> tuple[int, int]:
    """How many documents and chunks there are."""
    with reading(world.app.engine) as connection:
        return len(connection.execute(documents_table.select()).all()), len(connection.execute(chunks.select()).all())


async def test_nobody_may_attach_unless_the_widget_says_so(page: Page, world: World) -> None:
    registry.change(world.app.engine, page.widget.id, changes={"attachments": {}})
    assert (await page.send("GET", "look")).json()["attachments"] is None
    reply = await attach(page)
    assert reply.status_code == 409 and rows(world) == (0, 0)


async def test_a_file_is_read_and_found_by_its_visitor_alone(page: Page, world: World) -> None:
    engine = world.app.engine
    sent = await attach(page)
    assert sent.status_code == 202, sent.text
    file = sent.json()["files"][0]
    assert file["name"] == "invoice.txt" and sent.json()["refused"] == []
    stop = threading.Event()
    work = (engine, world.app.files, world.app.embedder, world.app.settings.ingest, stop)
    thread = threading.Thread(target=worker.run, args=work)
    thread.start()
    try:
        assert eventually(lambda: rows(world)[1] > 0, 60)
    finally:
        stop.set()
        thread.join(60)
    assert (await page.send("GET", "files")).json()["files"][0]["status"] == "ready"
    await page.ask("What is it about?")
    mine = world.turns.asked[0]
    place = mine.options.conversation_id
    assert place is not None and attached(engine, mine.caller.scope, place) is not None
    other = Page(page.client, page.widget, page.secret)
    await other.begin(token=other.signed(groups=["gold"]))
    await other.ask("And for me?")
    strangers = [world.turns.asked[1].caller.scope, Scope(frozenset({"everyone", "public", f"user:{world.ben.id}"}))]
    for scope in strangers:
        assert attached(engine, scope, place) is None and documents.get(engine, scope, file["id"]) is None
        assert place not in {one.private_to for one in collections.list_readable(engine, scope, include_private=True)}
    assert (await other.send("GET", "files")).json()["files"] == []
    assert (await other.send("POST", f"files/{file['id']}/remove")).status_code == 404
    for user in (world.ben, world.admin):  # an administrator reads transcripts, and no file of a conversation
        async with world.client(user) as client:
            for what in ("", "/text", "/file", "/chunks"):
                assert (await client.get(f"/api/documents/{file['id']}{what}")).status_code == 404
            assert file["id"] not in (await client.get("/api/documents")).text


async def test_a_sender_cannot_show_it_to_others(page: Page, world: World) -> None:
    assert (await attach(page, readers="public")).status_code == 422 and rows(world) == (0, 0)


@pytest.mark.parametrize("name", ["run.exe", "all.zip", "mail.eml", "page.html", "x.txt.zip", "noending", "pdf"])
async def test_another_kind_of_file_is_refused_with_one_sentence(page: Page, world: World, name: str) -> None:
    reply = await attach(page, name, b"PK\x03\x04 whatever")
    assert reply.status_code == 202 and "Only these files" in reply.json()["refused"][0]["reason"]
    assert rows(world) == (0, 0)


async def test_a_file_that_claims_to_be_another_is_refused(page: Page, world: World) -> None:
    reply = await attach(page, "invoice.pdf", b"\x7fELF" + b"\0" * 200)
    assert reply.json()["refused"] and rows(world) == (0, 0)


async def test_size_number_and_day_are_limited(page: Page, world: World) -> None:
    engine = world.app.engine
    allowed = {"allowed": True, "max_files": 2, "max_megabytes": 1, "endings": ["txt"]}
    registry.change(engine, page.widget.id, changes={"attachments": allowed})
    assert (await attach(page, data=b"x" * 1_200_000)).status_code == 413
    assert [(await attach(page, f"{n}.txt")).status_code for n in range(3)] == [202, 202, 409]
    registry.change(engine, page.widget.id, changes={"limits": {"files_per_day": 2}})
    other = Page(page.client, page.widget, page.secret)
    await other.begin()
    assert (await attach(other)).status_code == 429 and rows(world)[0] == 2


async def test_it_goes_when_removed_and_with_the_transcript(page: Page, world: World) -> None:
    engine = world.app.engine
    first = (await attach(page, "a.txt")).json()["files"][0]["id"]
    await attach(page, "b.txt")
    assert (await page.send("POST", f"files/{first}/remove")).status_code == 204
    assert [one["name"] for one in (await page.send("GET", "files")).json()["files"]] == ["b.txt"]
    conversation = transcripts.page(engine, page.widget.id, 1)[0].conversation_id
    assert transcripts.remove(engine, page.widget.id, conversation) and rows(world) == (0, 0)
    await attach(page, "c.txt")
    assert registry.remove(engine, page.widget.id) and rows(world) == (0, 0)


async def test_a_page_of_another_origin_attaches_nothing(page: Page, world: World) -> None:
    page.origin = "https://evil.example"
    assert (await attach(page)).status_code == 403 and rows(world) == (0, 0)
