"""Every route against every kind of caller: the table in rights_table.py must name each route, or the first test fails.

A row says what each caller gets for an object that belongs to Ben, who is nobody special: the status for nobody signed
in, for Ben himself, for Eve (another user) and for Ann (an administrator). Ben gets 401 once suspended. What is not a
caller's to know answers exactly as what does not exist.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import APIRouter

from assistant import conversations, drawn, sharing
from assistant.api.auth import Guarded, policy_of
from assistant.attachments import collection_for
from assistant.calling import long_calls
from assistant.curated import store
from assistant.curated.store import Written
from assistant.gallery import store as gallery
from assistant.gallery.setup import Setup
from assistant.gallery.store import Draft
from assistant.people import credentials, groups, users
from assistant.people.credentials import caller_of
from assistant.types import Picture
from knowledge import chunks, collections, documents
from knowledge.tables import documents as documents_table
from knowledge.types import NewChunk
from skills.types import Person, SkillCall

from .conftest import World
from .rights_table import CHAT, FILES, TABLE, VISITS
from .widget_world import ORIGIN, Page, make_widget, visited


@dataclass
class Scene:
    """Ben's things, by the names of path parameters."""

    world: World
    ids: dict[str, str]
    visit: Page  # of a widget's visitor, who left the answer and the transcript that the ids name

    async def ask(self, client: httpx.AsyncClient, row: str, **headers: str) -> httpx.Response:
        method, pattern = row.split(" ")
        body = TABLE[row][1]
        named = "read_notes" if "/skills/" in pattern else "hr"
        more = {
            "model": "local",
            "name": named,
            "file": "x.py",
            "prompt": "plain_chat",
            "n": 0,
            "trial_id": "x",
            "rest": "ask",
            "file_id": "0" * 32,
        }
        path = pattern.format(**more | self.ids)
        if body == "query":
            return await client.request(method, f"{path}?old=0&new=0", headers=headers)
        if body == "files":
            return await client.request(method, path, files=FILES, headers=headers)
        filled = json.loads(json.dumps(body).replace("{document_id}", self.ids["document_id"]).replace(
            "{conversation_id}", self.ids["conversation_id"])) if body is not None else None  # fmt: skip
        return await client.request(method, path, json=filled, headers=headers)


@pytest.fixture
async def scene(world: World) -> AsyncIterator[Scene]:
    """A document that Ben may read through his group, and a conversation with an answered turn and a key of his."""
    engine, ben = world.app.engine, world.ben
    groups.add(engine, "hr")
    users.change(engine, ben.id, group_names=["hr"], min_password_chars=10)
    hr = collections.create(engine, "HR", "", ["group:hr"])
    stored = world.app.files.put_stream([b"30 days of leave."], 1_000)
    document = documents.add(engine, hr.id, "Handbook", "handbook.md", "text/markdown", 17, stored.sha256, [], "Ann")
    with engine.begin() as connection:
        connection.execute(documents_table.update().values(status="running", lease_owner="w", lease_until=2e9))
    new = [NewChunk("30 days of leave.", "Leave", 1)]
    chunks.replace(engine, document.id, "w", new, world.app.embedder.embed(["30 days of leave."]), "hash", "Handbook")
    scope = caller_of(users.get(engine, ben.id) or ben, "session").scope
    key, _ = credentials.add_key(engine, world.app.secrets, ben.id, "k")
    note = world.app.memories.add(scope, "My locker has the number 17", None, "page").note
    conversation = conversations.create(engine, ben.id)
    async with world.client(ben) as client:
        body = CHAT | {"assistant": {"conversation_id": conversation}}
        turn = (await client.post("/v1/chat/completions", json=body)).json()["assistant"]["turn_id"]
    assert scope.principals and collection_for(engine, scope, ben.id, conversation)
    chunk = chunks.page(engine, caller_of(world.admin, "session").scope, document.id, 0, 1)[0][0].id
    visit, left = await visited(world)
    ids = left | {"user_id": ben.id, "key_id": key.id, "collection_id": hr.id, "document_id": document.id}
    ids |= {"chunk_id": chunk, "conversation_id": conversation, "turn_id": turn, "source": "notebook"}
    ids |= {"note_id": note.id, "group_note_id": world.app.memories.groups.add(scope, "hr", "The code is 17")[0].id}
    admin = caller_of(world.admin, "session")
    curated = store.add(engine, admin.scope, Written(("When is it open?",), "At nine."), admin.user_id)
    ids |= {"curated_id": curated.id}
    owner = caller_of(users.get(engine, ben.id) or ben, "session")
    ids |= {"assistant_id": gallery.add(engine, owner, Draft("Leave", Setup())).id}
    conversations.change(engine, ben.id, conversation, folder="hr")
    link = sharing.share(engine, ben.id, conversation)
    assert link is not None
    ids |= {"link_id": link.id}
    async with world.client(ben) as client:
        written = await client.post("/api/skills/write_note/call", json={"arguments": {"text": "x"}})
    call = SkillCall("write_note", {"text": "x"}, Person(ben.id, scope.principals))
    ids |= {"call_id": long_calls.begin(engine, world.notebook.write.skill("write_note"), call)}
    picture = Picture("image/png", b"\x89PNG")
    ids |= {"picture_id": drawn.keep(engine, ben.id, conversation, picture)}
    yield Scene(world, ids | {"approval_id": written.json()["approval"]["id"]}, visit)
    await world.app.skills.stop()


def _routes(world: World) -> dict[str, Guarded]:
    found = {}
    for route in world.api.routes:
        assert isinstance(route, Guarded), f"{route} has no policy"
        for method in route.methods:
            found[f"{method} {route.path}".replace(":path}", "}")] = route
    return found


def test_the_table_names_every_route_and_no_other(world: World) -> None:
    assert set(_routes(world)) == set(TABLE)
    described = {
        f"{method.upper()} {path}" for path, operations in world.api.openapi()["paths"].items() for method in operations
    }
    assert described == set(TABLE)


def test_a_route_without_a_policy_cannot_be_made() -> None:
    router = APIRouter(route_class=Guarded)
    with pytest.raises(RuntimeError, match="0 policies"):
        router.get("/open")(lambda: None)


# Rows that leave the scene as it was for the next one.
HARMLESS = [row for row in TABLE if row.startswith("GET ")] + [
    row for row, (expected, _) in TABLE.items() if row.startswith(("PUT", "POST")) and expected[3] in (200, 202, 401)
]


async def test_each_caller_gets_what_the_table_says(scene: Scene) -> None:
    for row in HARMLESS:
        await _check(scene, row)


@pytest.mark.parametrize("row", [row for row in TABLE if row not in HARMLESS])
async def test_each_caller_gets_what_the_table_says_of_changes(scene: Scene, row: str) -> None:
    await _check(scene, row)


async def _check(scene: Scene, row: str) -> None:
    world, (anonymous, owner, other, administrator) = scene.world, TABLE[row][0]
    callers = [(None, anonymous), (world.eve, other), (world.ben, owner), (world.admin, administrator)]
    if administrator == 404:  # the owner may delete it, so the owner comes last
        callers.reverse()
    for user, expected in callers:
        async with world.client(user) as client:
            reply = await scene.ask(client, row)
        assert reply.status_code == expected, f"{row} {user and user.name}: {reply.status_code} {reply.text[:300]}"


async def test_a_suspended_user_gets_nothing_by_any_credential(scene: Scene) -> None:
    world = scene.world
    _, key = credentials.add_key(world.app.engine, world.app.secrets, world.ben.id, "script")
    session = world.token(world.ben)
    users.change(world.app.engine, world.ben.id, active=False, min_password_chars=10)
    async with world.client() as client:
        for row in [row for row, (expected, _) in TABLE.items() if expected[0] == 401]:
            for token in (session, key):
                reply = await scene.ask(client, row, Authorization=f"Bearer {token}")
                assert reply.status_code == 401, f"{row}: {reply.text}"


FOREIGN = [row for row, (expected, _) in TABLE.items() if expected[2] == 404]


async def test_what_is_foreign_looks_like_what_is_not_there(scene: Scene) -> None:
    missing = Scene(scene.world, dict.fromkeys(scene.ids, "0" * 32), scene.visit)
    async with scene.world.client(scene.world.eve) as client:
        for row in FOREIGN:
            foreign, nothing = await scene.ask(client, row), await missing.ask(client, row)
            assert foreign.status_code == nothing.status_code == 404, row
            assert foreign.content == nothing.content and set(foreign.headers) == set(nothing.headers), row


def test_the_table_of_visits_names_every_route_of_a_widget() -> None:
    assert set(VISITS) == {row for row in TABLE if " /api/widget/" in row}


async def test_each_visitor_gets_what_the_table_of_visits_says(scene: Scene) -> None:
    world, mine = scene.world, scene.visit
    other, _ = make_widget(world, name="Other")
    async with world.client() as client:
        stranger, foreigner = Page(client, mine.widget, mine.secret), Page(client, other, "")
        await stranger.begin()
        await foreigner.begin()
        tokens = [mine.token, stranger.token, foreigner.token, world.token(world.ben), world.token(world.admin)]
        for row, expected in VISITS.items():
            for who, (token, status) in enumerate(zip(tokens, expected, strict=True)):
                reply = await scene.ask(client, row, Origin=ORIGIN, Authorization=f"Bearer {token}")
                assert reply.status_code == status, f"{row} of caller {who}: {reply.status_code} {reply.text[:200]}"


async def test_a_visitor_token_is_no_credential_anywhere_else(scene: Scene) -> None:
    async with scene.world.client() as client:
        for row in [row for row in TABLE if row not in VISITS]:
            reply = await scene.ask(client, row, Origin=ORIGIN, Authorization=f"Bearer {scene.visit.token}")
            assert reply.status_code == TABLE[row][0][0], f"{row}: {reply.status_code} {reply.text[:200]}"
            readable = reply.headers.get("access-control-allow-origin")
            assert readable is None or row == "GET /widget.js", row


def test_each_policy_is_one_that_was_thought_of(world: World) -> None:
    names = {policy_of(route).name for route in _routes(world).values()}
    people = {"anyone", "signed in", "signed in with a password", "prompt author", "administrator"}
    visits = {"a page of a listed origin", "a page of a listed origin, asking first", "a widget's visitor"}
    assert names == people | visits | {"a signed request of a widget's server"}
