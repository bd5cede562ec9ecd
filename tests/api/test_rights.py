"""Every route against every kind of caller: the table below must name each route, or the first test fails.

A row says what each caller gets for an object that belongs to Ben, who is nobody special: the status for nobody signed
in, for Ben himself, for Eve (another user) and for Ann (an administrator). Ben gets 401 once suspended. What is not a
caller's to know answers exactly as what does not exist.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from assistant import conversations, drawn, sharing
from assistant.api.auth import Guarded, policy_of
from assistant.attachments import collection_for
from assistant.calling import long_calls
from assistant.curated import store
from assistant.curated.store import Written
from assistant.gallery import store as gallery
from assistant.gallery.setup import Setup
from assistant.gallery.store import Draft
from assistant.people import credentials, users
from assistant.people.credentials import caller_of
from assistant.types import Picture
from knowledge import chunks, collections, documents
from knowledge.tables import documents as documents_table
from knowledge.types import NewChunk
from skills.types import Person, SkillCall

from .conftest import PASSWORD, World, asgi
from .widget_world import ORIGIN, Page, make_widget, visited

Expected = tuple[int, int, int, int]  # anonymous, owner, other user, administrator; suspended is always 401

FILES = {"files": ("a.md", b"# Leave\n\n30 days.")}
CHAT = {"messages": [{"role": "user", "content": "hi"}]}

# method and pattern -> (expected, body). Ids in braces are filled in with Ben's.
TABLE: dict[str, tuple[Expected, Any]] = {
    "GET /livez": ((200, 200, 200, 200), None),
    "GET /readyz": ((200, 200, 200, 200), None),
    "GET /api/openapi.json": ((200, 200, 200, 200), None),
    "GET /api/setup": ((200, 200, 200, 200), None),
    "POST /api/setup": ((401, 401, 401, 401), {"token": "set_x", "name": "Mallory", "password": PASSWORD}),
    "POST /api/login": ((401, 401, 401, 401), {"name": "Ben", "password": "a wrong password"}),
    "GET /metrics": ((401, 403, 403, 200), None),
    "GET /api/status": ((401, 403, 403, 200), None),
    "GET /api/models": ((401, 403, 403, 200), None),
    "PUT /api/models/adapters/{name}": ((401, 403, 403, 409), {"loaded": True}),  # there is no vLLM server here
    "PUT /api/models/preset": ((401, 403, 403, 200), {"preset": "balanced"}),
    "POST /api/models/decide": ((401, 403, 403, 409), {"question": "Who is asked?"}),  # there is no model here
    "POST /api/models/try": ((401, 403, 403, 422), {"models": [], "text": "Who?"}),
    "PATCH /api/models/{name}": ((401, 403, 403, 404), {"enabled": False}),
    "GET /api/curated": ((401, 403, 403, 200), None),
    "POST /api/curated": ((401, 403, 403, 201), {"questions": ["When is it open?"], "answer": "At nine."}),
    "PUT /api/curated/{curated_id}": ((401, 403, 403, 200), {"questions": ["When?"], "answer": "At nine."}),
    "DELETE /api/curated/{curated_id}": ((401, 403, 403, 204), None),
    "GET /api/feedback": ((401, 403, 403, 200), None),
    "GET /api/feedback/rows": ((401, 403, 403, 200), None),
    # Ben's own, shared with nobody; who else may use and change one that is shared: test_assistants.py.
    "GET /api/assistants": ((401, 200, 200, 200), None),
    "POST /api/assistants": ((401, 201, 201, 201), {"name": "New"}),
    "GET /api/assistants/choices": ((401, 200, 200, 200), None),
    "GET /api/assistants/export": ((401, 200, 200, 200), None),
    "POST /api/assistants/import": ((401, 201, 201, 201), {"assistants": [{"name": "Taken in"}]}),
    "GET /api/assistants/{assistant_id}": ((401, 200, 404, 404), None),
    "PUT /api/assistants/{assistant_id}": ((401, 200, 404, 404), {"name": "Changed"}),
    "POST /api/assistants/{assistant_id}/duplicate": ((401, 201, 404, 404), None),
    "PUT /api/assistants/{assistant_id}/withdrawn": ((401, 403, 403, 404), {"withdrawn": True}),
    "DELETE /api/assistants/{assistant_id}": ((401, 204, 404, 404), None),
    "GET /api/policy": ((401, 403, 403, 200), None),
    "POST /api/policy/train": ((401, 403, 403, 409), None),  # nothing was routed yet
    "POST /api/policy/activate": ((401, 403, 403, 409), {"id": "x"}),  # the setting is off
    "POST /api/policy/rollback": ((401, 403, 403, 409), None),
    "GET /api/me": ((401, 200, 200, 200), None),
    "POST /api/me/password": ((401, 401, 401, 401), {"old": "not the old one", "new": "another good one"}),
    "GET /api/keys": ((401, 200, 200, 200), None),
    "POST /api/keys": ((401, 201, 201, 201), {"name": "script"}),
    "DELETE /api/keys/{key_id}": ((401, 204, 404, 404), None),
    "GET /api/users": ((401, 403, 403, 200), None),
    "POST /api/users": ((401, 403, 403, 201), {"name": "Zoe", "password": PASSWORD, "is_admin": True}),
    "PATCH /api/users/{user_id}": ((401, 403, 403, 200), {"groups": ["hr"]}),
    "DELETE /api/users/{user_id}": ((401, 403, 403, 204), None),
    "GET /api/groups": ((401, 403, 403, 200), None),
    "POST /api/groups": ((401, 403, 403, 201), {"name": "it"}),
    "DELETE /api/groups/{name}": ((401, 403, 403, 204), None),
    "GET /api/collections": ((401, 200, 200, 200), None),
    "POST /api/collections": ((401, 403, 403, 201), {"name": "New"}),
    "PATCH /api/collections/{collection_id}": ((401, 403, 403, 200), {"description": "x"}),
    "DELETE /api/collections/{collection_id}": ((401, 403, 403, 204), None),
    "POST /api/collections/{collection_id}/documents": ((401, 403, 403, 202), "files"),
    "POST /api/collections/{collection_id}/urls": ((401, 403, 403, 202), {"url": "ftp://example.com"}),
    "GET /api/documents": ((401, 200, 200, 200), None),
    "POST /api/documents/bulk": ((401, 200, 200, 200), {"action": "cancel", "ids": ["{document_id}"]}),
    "GET /api/documents/{document_id}": ((401, 200, 404, 200), None),
    "PATCH /api/documents/{document_id}": ((401, 403, 403, 200), {"title": "x"}),
    "DELETE /api/documents/{document_id}": ((401, 403, 404, 204), None),
    "GET /api/documents/{document_id}/text": ((401, 200, 404, 200), None),
    "GET /api/documents/{document_id}/chunks": ((401, 200, 404, 200), None),
    "GET /api/documents/{document_id}/file": ((401, 200, 404, 200), None),
    "POST /api/documents/{document_id}/retry": ((401, 403, 404, 202), None),
    "POST /api/documents/{document_id}/cancel": ((401, 403, 404, 202), None),
    "PATCH /api/chunks/{chunk_id}": ((401, 403, 403, 200), {"enabled": False}),
    "GET /api/passages/{chunk_id}": ((401, 200, 404, 200), None),
    "POST /api/search": ((401, 200, 200, 200), {"query": "leave"}),
    "POST /v1/embeddings": ((401, 200, 200, 200), {"model": "assistant-embedding", "input": "x"}),
    "GET /api/speech": ((401, 200, 200, 200), None),
    "POST /v1/audio/transcriptions": ((401, 501, 501, 501), "files"),  # speech is off here
    "GET /v1/models": ((401, 200, 200, 200), None),
    "GET /v1/models/{model}": ((401, 200, 200, 200), None),
    "POST /v1/chat/completions": ((401, 200, 404, 404), CHAT | {"assistant": {"conversation_id": "{conversation_id}"}}),
    "GET /api/streams/{turn_id}": ((401, 200, 404, 404), None),
    "POST /api/streams/{turn_id}/stop": ((401, 204, 404, 404), None),
    "GET /api/conversations": ((401, 200, 200, 200), None),
    "POST /api/conversations": ((401, 201, 201, 201), {"title": "x"}),
    "GET /api/conversations/{conversation_id}": ((401, 200, 404, 404), None),
    "PATCH /api/conversations/{conversation_id}": ((401, 200, 404, 404), {"title": "x"}),
    "GET /api/chats/export": ((401, 200, 200, 200), None),
    "POST /api/chats/import": ((401, 201, 201, 201), [{"title": "x", "chat": {"messages": []}}]),
    # Folders are everybody's own: two may have one of the same name, and nobody sees another's.
    # Ben's own, made by a skill.
    "GET /api/pictures/{picture_id}": ((401, 200, 404, 404), None),
    "GET /api/folders": ((401, 200, 200, 200), None),
    "PATCH /api/folders/{name}": ((401, 200, 404, 404), {"name": "hr"}),
    "DELETE /api/folders/{name}": ((401, 204, 404, 404), None),
    "GET /api/conversations/{conversation_id}/share": ((401, 200, 404, 404), None),
    "PUT /api/conversations/{conversation_id}/share": ((401, 200, 404, 404), None),
    "DELETE /api/conversations/{conversation_id}/share": ((401, 204, 404, 404), None),
    # Who is signed in and has the link may open it, and sees of its sources what they may read: test_sharing.py.
    "GET /api/shared/{link_id}": ((401, 200, 200, 200), None),
    "DELETE /api/conversations/{conversation_id}": ((401, 204, 404, 404), None),
    "POST /api/conversations/{conversation_id}/attachments": ((401, 202, 404, 404), "files"),
    "GET /api/conversations/{conversation_id}/attachments": ((401, 200, 404, 404), None),
    "PUT /api/turns/{turn_id}/feedback": ((401, 204, 404, 404), {"rating": "up"}),
    "GET /api/skills": ((401, 200, 200, 200), None),
    "PATCH /api/skills/{name}": ((401, 403, 403, 200), {"rule": "ask"}),
    "POST /api/skills/{name}/call": ((401, 200, 200, 200), {"arguments": {"text": "x"}}),
    "GET /api/skill-sources": ((401, 403, 403, 200), None),
    "POST /api/skill-sources": ((401, 403, 403, 422), {"name": "x", "kind": "mcp", "address": "ftp://x"}),
    "POST /api/skill-sources/files": ((401, 403, 403, 422), {"name": "x.py", "files": {"x.py": "no skill"}}),
    "POST /api/skill-sources/documents": ((401, 403, 403, 422), None),
    "POST /api/skill-sources/folders": ((401, 403, 403, 422), None),
    "POST /api/skill-sources/{source}/test": ((401, 403, 403, 404), None),
    "DELETE /api/skill-sources/{file}": ((401, 403, 403, 404), None),
    "POST /api/skill-sources/{source}/approve": ((401, 403, 403, 404), None),
    "GET /api/skill-secrets": ((401, 403, 403, 200), None),
    "PUT /api/skill-secrets/{name}": ((401, 403, 403, 204), {"value": "hush"}),
    "DELETE /api/skill-secrets/{name}": ((401, 403, 403, 404), None),
    "GET /api/skill-calls": ((401, 403, 403, 200), None),
    "GET /api/approvals": ((401, 200, 200, 200), None),
    "GET /api/approvals/{approval_id}": ((401, 200, 404, 404), None),
    "POST /api/approvals/{approval_id}/approve": ((401, 200, 404, 404), None),
    "POST /api/approvals/{approval_id}/refuse": ((401, 200, 404, 404), None),
    "GET /api/long-calls": ((401, 200, 200, 200), None),
    "POST /api/long-calls/{call_id}/cancel": ((401, 200, 404, 404), None),
    "POST /api/mcp": ((401, 200, 200, 200), {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
    "GET /api/commands": ((401, 200, 200, 200), None),
    "POST /api/commands": ((401, 200, 200, 200), {"text": "/self_ask_answer How long is leave?"}),
    "GET /api/memory": ((401, 200, 200, 200), None),
    "POST /api/memory": ((401, 201, 201, 201), {"text": "My office is in Graz"}),
    "PUT /api/memory/switch": ((401, 204, 204, 204), {"on": True}),
    "POST /api/memory/import": ((401, 200, 200, 200), {"notes": [{"text": "My site is Graz"}]}),
    "PATCH /api/memory/{note_id}": ((401, 200, 404, 404), {"text": "x y"}),
    "DELETE /api/memory/{note_id}": ((401, 204, 404, 404), None),
    "DELETE /api/memory": ((401, 200, 200, 200), None),
    "GET /api/group-memory": ((401, 200, 200, 200), None),
    "POST /api/group-memory/{name}": ((401, 201, 404, 404), {"text": "Our stand-up is at 9"}),
    "PATCH /api/group-memory/{name}/{group_note_id}": ((401, 200, 404, 404), {"text": "x y"}),
    "DELETE /api/group-memory/{name}/{group_note_id}": ((401, 204, 404, 404), None),
    "GET /api/prompts": ((401, 403, 403, 200), None),
    "GET /api/prompts/{prompt}": ((401, 403, 403, 200), None),
    "GET /api/prompts/{prompt}/versions/{n}": ((401, 403, 403, 200), None),
    "GET /api/prompts/{prompt}/diff": ((401, 403, 403, 200), "query"),
    "POST /api/prompts/{prompt}/versions": ((401, 403, 403, 422), {"text": "name: x"}),
    "POST /api/prompts/{prompt}/publish": ((401, 403, 403, 200), {"n": 0}),
    "POST /api/prompts/{prompt}/rollback": ((401, 403, 403, 409), None),
    "POST /api/prompts/{prompt}/versions/{n}/try": ((401, 403, 403, 200), {"question": "How much leave?"}),
    "POST /api/prompts/{prompt}/versions/{n}/evaluate": ((401, 403, 403, 422), {"questions": [{}]}),
    "GET /api/prompt-evaluations/{trial_id}": ((401, 403, 403, 404), None),
    "POST /api/logout": ((401, 204, 204, 204), None),
    "GET /api/widgets": ((401, 403, 403, 200), None),
    "POST /api/widgets": ((401, 403, 403, 201), {"name": "New"}),
    "GET /api/widgets/{widget_id}": ((401, 403, 403, 200), None),
    "PATCH /api/widgets/{widget_id}": ((401, 403, 403, 200), {"enabled": True}),
    "DELETE /api/widgets/{widget_id}": ((401, 403, 403, 204), None),
    "POST /api/widgets/{widget_id}/keys": ((401, 403, 403, 201), None),
    "DELETE /api/widgets/{widget_id}/keys/{signing_key_id}": ((401, 403, 403, 204), None),
    "GET /api/widgets/{widget_id}/transcripts": ((401, 403, 403, 200), None),
    "GET /api/widgets/{widget_id}/transcripts/{transcript_id}": ((401, 403, 403, 200), None),
    "DELETE /api/widgets/{widget_id}/transcripts/{transcript_id}": ((401, 403, 403, 204), None),
    "GET /api/widgets/{widget_id}/hand-overs": ((401, 403, 403, 200), None),
    "POST /api/widgets/{widget_id}/hand-overs/{hand_over_id}/send": ((401, 403, 403, 200), None),
    # The script is public; the rest of a widget's own routes is for pages of listed origins and their visitors.
    "GET /widget.js": ((200, 200, 200, 200), None),
    "OPTIONS /api/widget/{widget_id}/{rest}": ((403, 403, 403, 403), None),
    "GET /api/widget/{widget_id}/look": ((403, 403, 403, 403), None),
    "POST /api/widget/{widget_id}/session": ((403, 403, 403, 403), {}),
    "GET /api/widget/{widget_id}/conversation": ((403, 403, 403, 403), None),
    "POST /api/widget/{widget_id}/reset": ((403, 403, 403, 403), None),
    "POST /api/widget/{widget_id}/ask": ((403, 403, 403, 403), {"question": "x"}),
    "GET /api/widget/{widget_id}/streams/{answer_id}": ((403, 403, 403, 403), None),
    "POST /api/widget/{widget_id}/streams/{answer_id}/stop": ((403, 403, 403, 403), None),
    "PUT /api/widget/{widget_id}/turns/{answer_id}/feedback": ((403, 403, 403, 403), {"rating": "up"}),
    "POST /api/widget/{widget_id}/approvals/{approval_id}/approve": ((403, 403, 403, 403), None),
    "POST /api/widget/{widget_id}/approvals/{approval_id}/refuse": ((403, 403, 403, 403), None),
    "POST /api/widget/{widget_id}/files": ((403, 403, 403, 403), "files"),
    "GET /api/widget/{widget_id}/files": ((403, 403, 403, 403), None),
    "POST /api/widget/{widget_id}/files/{file_id}/remove": ((403, 403, 403, 403), None),
    "POST /api/widget/{widget_id}/hand-over": ((403, 403, 403, 403), {}),
    "POST /api/widget/{widget_id}/messages": ((401, 401, 401, 401), {"id": "1", "visitor": {"id": "z"}, "text": "x"}),
}


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
    from assistant.people import groups

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
    from fastapi import APIRouter

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


# A widget's own routes on a page of a listed origin: what the visitor gets who left what the ids name, another visitor
# of the same widget, a visitor of another widget, Ben with his session, Ann with hers.
VISITS: dict[str, tuple[int, int, int, int, int]] = {
    "OPTIONS /api/widget/{widget_id}/{rest}": (204, 204, 204, 204, 204),
    "GET /api/widget/{widget_id}/look": (200, 200, 200, 200, 200),
    "POST /api/widget/{widget_id}/session": (201, 201, 201, 201, 201),
    "GET /api/widget/{widget_id}/conversation": (200, 200, 401, 401, 401),
    "GET /api/widget/{widget_id}/streams/{answer_id}": (200, 404, 401, 401, 401),
    "POST /api/widget/{widget_id}/streams/{answer_id}/stop": (204, 404, 401, 401, 401),
    "PUT /api/widget/{widget_id}/turns/{answer_id}/feedback": (204, 404, 401, 401, 401),
    "POST /api/widget/{widget_id}/ask": (200, 200, 401, 401, 401),
    "POST /api/widget/{widget_id}/approvals/{approval_id}/approve": (404, 404, 401, 401, 401),  # Ben's, no visitor's
    "POST /api/widget/{widget_id}/approvals/{approval_id}/refuse": (404, 404, 401, 401, 401),
    "POST /api/widget/{widget_id}/files": (409, 409, 401, 401, 401),  # nobody said that visitors may
    "GET /api/widget/{widget_id}/files": (200, 200, 401, 401, 401),
    "POST /api/widget/{widget_id}/files/{file_id}/remove": (404, 404, 401, 401, 401),
    "POST /api/widget/{widget_id}/hand-over": (409, 409, 401, 401, 401),
    "POST /api/widget/{widget_id}/reset": (204, 204, 401, 401, 401),
    "POST /api/widget/{widget_id}/messages": (401, 401, 401, 401, 401),
}


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


BEARERS = [
    "", "Bearer", "Bearer ", "bearer x", "Basic YWRtaW46YWRtaW4=", "Bearer ' UNION SELECT * FROM users --",
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", "Bearer loc_" + "0" * 64, "Bearer ses_", "Bearer set_x",
    "Bearer " + "x" * 5_000, "Bearer ses_\u00e9", "Token x", "Bearer null", "Bearer key_' OR 1=1 --",
]  # fmt: skip


async def test_a_wrong_credential_is_no_credential(world: World) -> None:
    async with world.client() as client:
        for value in BEARERS:
            for path in ("/api/me", "/api/users", "/v1/models", "/metrics"):
                reply = await client.get(path, headers=[(b"authorization", value.encode("latin-1"))])
                assert reply.status_code == 401 and reply.headers["www-authenticate"] == "Bearer", value


async def test_two_authorization_headers_are_none(world: World) -> None:
    token = world.token(world.admin).encode()
    async with world.client() as client:
        headers = [(b"authorization", b"Bearer " + token), (b"authorization", b"Bearer x")]
        assert (await client.get("/api/me", headers=headers)).status_code == 401
        assert (await client.get(f"/api/me?access_token={token.decode()}")).status_code == 401
        assert (await client.get("/api/me", headers={"cookie": f"token={token.decode()}"})).status_code == 401


HOSTS = [
    "evil.example", "localhost.evil.example", "evil.localhost", "localhost:8000@evil.example", "localhost/api/setup?",
    "localhost?x=/api/setup", "localhost#/api/setup", "localhost\\.evil.example", "", " ", "localhost:",
    "localhost:99999999",
    "localhost:80:80", "127.0.0.1.", "[::1", "::1", "[::ffff:127.0.0.1%25x]", "2130706433", "0x7f.1", "127.1", "*",
    "localhost,evil.example", "xn--localhost", "loc\u00e4lhost", "localhost\t",
]  # fmt: skip


async def test_a_foreign_or_broken_host_changes_no_decision(scene: Scene) -> None:
    rows = ("/api/users", "/api/setup", "/metrics", "/livez", f"/api/conversations/{scene.ids['conversation_id']}")
    for user in (None, scene.world.eve):
        async with scene.world.client(user) as client:
            for path in rows:
                usual = (await client.get(path)).status_code
                for host in HOSTS:
                    reply = await client.get(path, headers=[(b"host", host.encode("latin-1"))])
                    assert reply.status_code == 400 or (host == "localhost:" and reply.status_code == usual), (
                        host,
                        path,
                    )


async def test_two_host_headers_or_none_are_refused(world: World) -> None:
    for hosts in ([b"localhost", b"localhost"], [b"localhost", b"evil.example"], []):
        status, _ = await asgi(world.api, "/livez", [(b"host", host) for host in hosts])
        assert status == 400, hosts


async def test_it_answers_under_its_own_names(world: World) -> None:
    async with world.client() as client:
        for host in ("localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000"):
            assert (await client.get("/livez", headers={"Host": host})).status_code == 200


SPELLINGS = ["//api/users", "/api//users", "/./api/users", "/api/users/", "/API/users", "/api/users?", "/api/users%00",
             "/api/..;/users", "/%2e/api/users", "/api/setup/../users", "/api/users;x=1",
             "/livez/../api/users"]  # fmt: skip


async def test_no_spelling_of_an_address_leads_past_its_policy(world: World) -> None:
    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {world.token(world.ben)}".encode())]
    for path in SPELLINGS:
        status, _ = await asgi(world.api, path, headers)
        assert status in (403, 404), path


def test_no_code_that_decides_looks_at_the_address() -> None:
    from pathlib import Path

    for file in (Path(__file__).parents[2] / "assistant" / "api").glob("*.py"):
        text = file.read_text("utf-8")
        assert "request.url" not in text and "base_url" not in text, f"{file.name} looks at request.url"


def test_each_policy_is_one_that_was_thought_of(world: World) -> None:
    names = {policy_of(route).name for route in _routes(world).values()}
    people = {"anyone", "signed in", "signed in with a password", "prompt author", "administrator"}
    visits = {"a page of a listed origin", "a page of a listed origin, asking first", "a widget's visitor"}
    assert names == people | visits | {"a signed request of a widget's server"}
