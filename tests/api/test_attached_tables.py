"""Tables in chats, through HTTP: the application as it is built, a worker beside it, and a scripted model server."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from assistant.api.app import create
from assistant.app import App
from assistant.build import build
from assistant.models.fake_script import Script
from assistant.models.fake_server import FakeServer
from assistant.people import credentials, users
from assistant.settings import load
from ingest import worker

from .conftest import password_hash

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="tables are read in a confined process, which is Linux only"),
    pytest.mark.asyncio(loop_scope="module"),
]
TEAM = b"name,role,hours\nAda,engineer,31\nBo,designer,24\nCleo,engineer,40\n"
SALES = b"product,region,quantity,revenue\nPen,North,10,15.0\nInk,South,4,60.5\nPad,North,25,50.0\n"


def _acts(body: dict[str, Any]) -> str | list[tuple[str, str]]:
    """Call what the person names, "describe_table team.csv", and tell what came of it."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return f"It says: {last['content']}"
    word, _, name = str(last["content"]).partition(" ")
    parameter = "document" if word == "summarise_document" else "query" if word == "search_documents" else "table"
    if body.get("tools") and word in ("describe_table", "summarise_document", "search_documents"):
        return [(f"skills-{word}", json.dumps({parameter: name}))]
    return "The documents do not say."


@dataclass
class Office:
    """The application, and people with clients of their own."""

    app: App
    clients: list[httpx.AsyncClient]

    def person(self, name: str, admin: bool = False) -> httpx.AsyncClient:
        with self.app.engine.begin() as connection:
            user = users.insert_user(connection, name, password_hash(), admin)
        token = credentials.open_session(self.app.engine, self.app.secrets, user.id, 1)
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(create(self.app), client=("127.0.0.1", 5000)),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        self.clients.append(made)
        return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with FakeServer(Script("scripted", context_tokens=100_000, acts=_acts)).running() as model:
        models = {"model": model.url, "model_name": "scripted"}
        folder: Path = tmp_path_factory.mktemp("office")
        app = await asyncio.to_thread(build, load({}, data_dir=folder, models=models), None)
        await app.start()
        await app.skills.ready()
        stop = threading.Event()
        working = threading.Thread(
            target=worker.run, args=(app.engine, app.files, app.embedder, app.settings.ingest, stop)
        )
        working.start()
        made = Office(app, [])
        yield made
        for client in made.clients:
            await client.aclose()
        stop.set()
        await asyncio.to_thread(working.join)
        await app.stop()


async def _conversation(client: httpx.AsyncClient, **files: bytes) -> str:
    """Return the id of a new conversation to which the files are attached, once they are read."""
    conversation = str((await client.post("/api/conversations", json={})).raise_for_status().json()["id"])
    path = f"/api/conversations/{conversation}/attachments"
    for name, content in files.items():
        sent = {"files": (f"{name}.csv", content, "text/csv")}
        (await client.post(path, files=sent)).raise_for_status()
    for _ in range(300):
        read = (await client.get(path)).json()["documents"]
        if all(each["status"] == "ready" for each in read):
            return conversation
        await asyncio.sleep(0.1)
    raise AssertionError(read)


async def _ask(client: httpx.AsyncClient, question: str, conversation: str, **options: Any) -> dict[str, Any]:
    body = {
        "messages": [{"role": "user", "content": question}],
        "assistant": {"conversation_id": conversation, **options},
    }
    reply = (await client.post("/v1/chat/completions", json=body)).raise_for_status().json()
    return {"text": reply["choices"][0]["message"]["content"], **reply["assistant"]}


async def test_skills_see_the_files_of_the_conversation_they_are_called_in_and_of_no_other(office: Office) -> None:
    ann, bob = office.person("ann"), office.person("bob")
    here, elsewhere = await _conversation(ann, team=TEAM), await _conversation(ann, other=SALES)
    theirs = await _conversation(bob)
    told = await _ask(ann, "describe_table team.csv", here)
    assert '"hours"' in told["text"] and '"rows": 3' in told["text"], told
    found = await _ask(ann, "search_documents designer", here)
    assert "Bo" in found["text"], found
    for client, conversation in ((ann, elsewhere), (bob, theirs)):
        told = await _ask(client, "describe_table team.csv", conversation)
        assert "no table 'team.csv'" in told["text"], told
        read = await _ask(client, "summarise_document team.csv", conversation)
        assert "no document 'team.csv'" in read["text"].lower(), read
        found = await _ask(client, "search_documents designer", conversation)
        assert "designer" not in found["text"], found


async def test_a_document_of_another_conversation_is_not_read_by_its_id_either(office: Office) -> None:
    cleo = office.person("cleo")
    here, elsewhere = await _conversation(cleo, team=TEAM), await _conversation(cleo)
    (document,) = (await cleo.get(f"/api/conversations/{here}/attachments")).json()["documents"]
    read = await _ask(cleo, f"summarise_document {document['id']}", elsewhere)
    assert "no document" in read["text"], read


async def test_a_plain_question_is_answered_from_the_table_that_it_names_or_that_is_attached(office: Office) -> None:
    dora, finn = office.person("dora"), office.person("finn")
    here, none = await _conversation(dora, sales=SALES), await _conversation(finn)
    asked = await _ask(dora, "What is the average quantity in sales.csv?", here)
    assert asked["text"].startswith("The average quantity in sales.csv is 13.\n\n```sql\nSELECT avg("), asked
    assert asked["steps"][-1]["name"] == "skill" and "ask_table" in asked["steps"][-1]["detail"]
    assert not [step for step in asked["steps"] if step["name"] == "search"]
    asked = await _ask(dora, "average revenue per region", here)  # the only table of the chat
    assert "| North | 32.5 |" in asked["text"], asked
    for question in ("How many vacation days do I get?", "What is the total profit in sales.csv?"):
        asked = await _ask(dora, question, here)
        assert "ask_table" not in str(asked["steps"]) and asked["abstained"], asked
    asked = await _ask(finn, "What is the average quantity in sales.csv?", none)
    assert "ask_table" not in str(asked["steps"]), asked


async def test_a_table_of_a_collection_is_asked_by_who_may_read_it(office: Office) -> None:
    root, gus = office.person("root", admin=True), office.person("gus")
    made = (await root.post("/api/collections", json={"name": "Figures", "readers": ["group:finance"]})).json()
    sent = {"files": ("budget.csv", b"team,cost\nA,5\nB,7\n", "text/csv")}
    (await root.post(f"/api/collections/{made['id']}/documents", files=sent)).raise_for_status()
    for _ in range(300):
        found = (await root.get("/api/documents", params={"collection": made["id"]})).json()["documents"]
        if found and found[0]["status"] == "ready":
            break
        await asyncio.sleep(0.1)
    conversation, question = await _conversation(gus), "What is the total cost in the budget table?"
    assert "ask_table" not in str((await _ask(gus, question, conversation))["steps"])
    (await root.patch(f"/api/collections/{made['id']}", json={"readers": ["everyone"]})).raise_for_status()
    told = await _ask(gus, question, conversation)
    assert told["text"].startswith("The total cost in budget.csv is 12."), told
    (await root.post("/api/collections", json={"name": "Other", "readers": ["everyone"]})).raise_for_status()
    elsewhere = await _ask(gus, question, conversation, collections=["Other"])
    assert "ask_table" not in str(elsewhere["steps"])
