"""Memory over the real HTTP server, with real turns, a real database and a scripted model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from assistant.api.app import create
from assistant.guardrails.grounding import RuleJudge
from assistant.memory.memories import Suggesting
from assistant.models.fake import ScriptedModel
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.orchestration.ports import OneModel
from assistant.people.credentials import add_key
from assistant.people.users import User
from assistant.record import SqlRecords, read
from assistant.settings import load
from assistant.turn import Turns
from assistant.types import Route
from knowledge.embed import OnnxEmbedder

from .conftest import World, make_world, serving

ABSTENTION = "The documents do not say."


@pytest.fixture
def world(engine: Engine, tmp_path: Path) -> World:
    """Real turns over no documents: the model is told of notes, and says nothing of its own."""
    made = make_world(engine, tmp_path, load(data_dir=tmp_path))
    embedder = OnnxEmbedder(threads=1)
    made.app.memories._embedder = embedder
    made.app.turns = Turns(
        ListSearch([]),
        OneModel(ScriptedModel([ABSTENTION] * 20), Route("large", None, "domain", "")),
        RuleJudge(embedder.embed),
        OpenGate(),
        Suggesting(SqlRecords(engine), made.app.memories),
        made.app.settings.turn,
        memory=made.app.memories,
        prompts=made.app.prompts,
    )
    return World(made.app, create(made.app), made.turns, made.searcher, made.admin, made.ben, made.eve, made.notebook)


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serving(world.api, world.app.settings) as address:
        yield address


def ask(client: httpx.Client, question: str, **extra: Any) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": question}], "assistant": extra}
    reply = client.post("/v1/chat/completions", json=body).raise_for_status().json()
    return {"text": reply["choices"][0]["message"]["content"], **reply["assistant"]}


def client(world: World, url: str, user: User) -> httpx.Client:
    return httpx.Client(base_url=url, headers=world.as_(user), timeout=30)


def test_it_remembers_recalls_and_forgets_for_one_person_alone(world: World, url: str, engine: Engine) -> None:
    eve, ann = client(world, url, world.eve), client(world, url, world.admin)
    with client(world, url, world.ben) as ben, eve, ann:
        assert "I will remember that" in ask(ben, "Remember that my locker number is 17.")["text"]
        answer = ask(ben, "What is my locker number?")
        assert "My locker number is 17" in answer["text"] and not answer["citations"] and answer["abstained"]
        assert [step["detail"] for step in answer["steps"] if step["name"] == "recall"] == ["Used 1 note of yours"]
        for other in (eve, ann):
            assert "17" not in ask(other, "What is my locker number?")["text"]
            assert other.get("/api/memory").json()["notes"] == []
        (note,) = ben.get("/api/memory").json()["notes"]
        changed = ben.patch(f"/api/memory/{note['id']}", json={"text": "My locker number is 18"}).json()
        assert changed["text"].endswith("18") and "18" in ask(ben, "What is my locker number?")["text"]
        assert ben.delete("/api/memory").json() == {"deleted": 1}
        assert "18" not in ask(ben, "What is my locker number?")["text"]
        assert not any("locker number is" in str(record.data) for record in read(engine))


def test_it_is_off_for_keys_in_temporary_chats_and_for_whoever_switches_it_off(world: World, url: str) -> None:
    _, key = add_key(world.app.engine, world.app.secrets, world.ben.id, "bot")
    with client(world, url, world.ben) as ben, httpx.Client(base_url=url, timeout=30) as program:
        program.headers["Authorization"] = f"Bearer {key}"
        ben.post("/api/memory", json={"text": "My locker number is 17"}).raise_for_status()
        asked = "What is my locker number?"
        assert "17" not in ask(program, asked)["text"] and "17" in ask(program, asked, memory=True)["text"]
        chat = ben.post("/api/conversations", json={"memory": False}).json()["id"]
        assert ben.get(f"/api/conversations/{chat}").json()["memory"] is False
        assert "17" not in ask(ben, asked, conversation_id=chat, memory=True)["text"]
        assert "switched off" in ask(ben, "Remember that my bike is red.", conversation_id=chat)["text"]
        ben.patch(f"/api/conversations/{chat}", json={"memory": True})
        assert "17" in ask(ben, asked, conversation_id=chat)["text"]
        ben.put("/api/memory/switch", json={"on": False})
        assert "17" not in ask(ben, asked)["text"] and ben.get("/api/memory").json()["on"] is False
        assert len(ben.get("/api/memory").json()["notes"]) == 1


def test_what_somebody_says_is_suggested_and_counts_once_confirmed(world: World, url: str) -> None:
    with client(world, url, world.ben) as ben:
        ask(ben, "My team is Harbour Logistics. Who pays for tools?")
        (suggestion,) = ben.get("/api/memory").json()["suggestions"]
        assert "Harbour" not in ask(ben, "What is my team?")["text"]
        kept = ben.patch(f"/api/memory/{suggestion['id']}", json={"keep": True}).json()
        assert kept["status"] == "kept" and "Harbour Logistics" in ask(ben, "What is my team?")["text"]


def test_an_export_can_be_taken_in_again(world: World, url: str) -> None:
    with client(world, url, world.ben) as ben, client(world, url, world.eve) as eve:
        for text in ("My team is Payroll", "Answer in German"):
            ben.post("/api/memory", json={"text": text})
        export = [{"text": note["text"], "kind": note["kind"]} for note in ben.get("/api/memory").json()["notes"]]
        taken = eve.post("/api/memory/import", json={"notes": [*export, {"text": "my password is x"}]}).json()
        assert taken["taken"] == 2 and taken["refused"][0]["n"] == 3 and "password" in taken["refused"][0]["reason"]
        assert {note["kind"] for note in eve.get("/api/memory").json()["notes"]} == {"fact", "preference"}


def test_notes_go_with_the_account(world: World, url: str) -> None:
    with client(world, url, world.ben) as ben, client(world, url, world.admin) as ann:
        ben.post("/api/memory", json={"text": "My team is Payroll"})
        scope = users_scope(world.ben)
        assert world.app.memories.notes(scope)
        assert ann.delete(f"/api/users/{world.ben.id}").status_code == 204
        assert world.app.memories.notes(scope) == []


@pytest.mark.parametrize("body", [{"text": ""}, {"text": "x" * 501}, {"text": "my password is x"}, {"txt": "x"}, []])
def test_what_is_no_note_is_refused_with_a_sentence(world: World, url: str, body: Any) -> None:
    with client(world, url, world.ben) as ben:
        reply = ben.post("/api/memory", json=body)
        assert reply.status_code == 422 and reply.json()["detail"]


def users_scope(user: User) -> Any:
    from assistant.people.credentials import caller_of

    return caller_of(user, "session").scope
