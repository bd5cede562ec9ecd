"""The prompt library over the real HTTP server: authors write and try, administrators publish."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from assistant.models.errors import ModelRefused
from assistant.orchestration.ports import Choice
from assistant.orchestration.settings import PromptSettings
from assistant.people import groups, users
from assistant.promptbook.parse import packaged
from assistant.settings import Settings, load
from assistant.types import Turn

from .conftest import World, serving

BASE = packaged("grounded_answer") or ""
BRIEF = BASE.replace("Be short", "Be brief")
QUESTIONS = [
    {"id": f"q{n}", "question": "How many days of leave?", "answers": ["25 days"], "answerable": True,
     "contexts": [{"id": "a", "title": "Leave", "text": "Employees get 25 days of leave per year."}]}
    for n in range(3)
]  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings in which the group "writers" writes prompts."""
    return load(data_dir=tmp_path).model_copy(update={"prompts": PromptSettings(authors=("writers",))})


@pytest.fixture
def author(world: World, engine: Engine) -> Iterator[httpx.Client]:
    """Eve, who is in the group of prompt authors, at a real server."""
    groups.add(engine, "writers")
    users.change(engine, world.eve.id, group_names=["writers"], min_password_chars=10)
    headers = world.as_(world.eve)
    with serving(world.api, world.app.settings) as url, httpx.Client(base_url=url, timeout=60) as client:
        client.headers.update(headers)
        yield client


def admin(world: World, author: httpx.Client) -> dict[str, str]:
    return world.as_(world.admin)


def test_an_author_writes_and_an_administrator_publishes(world: World, author: httpx.Client) -> None:
    assert author.get("/api/me").json()["prompt_author"] is True
    made = author.post("/api/prompts/grounded_answer/versions", json={"text": BRIEF, "note": "shorter"}).json()
    assert made["n"] == 1
    assert author.post("/api/prompts/grounded_answer/publish", json={"n": 1}).status_code == 403
    assert author.get("/api/prompts/grounded_answer").json()["live"] == 0
    live = author.post("/api/prompts/grounded_answer/publish", json={"n": 1}, headers=admin(world, author)).json()
    assert live["live"] == 1
    found = author.get("/api/prompts/grounded_answer").json()
    assert found["text"] == BRIEF and found["versions"][0]["note"] == "shorter"
    diff = author.get("/api/prompts/grounded_answer/diff", params={"old": 0, "new": 1}).json()["diff"]
    assert "Be brief" in diff and "Be short" in diff
    back = author.post("/api/prompts/grounded_answer/rollback", headers=admin(world, author)).json()
    assert back["live"] == 0


def test_a_broken_prompt_is_refused_with_a_sentence_and_nothing_is_stored(world: World, author: httpx.Client) -> None:
    for text in (BASE.replace("{question}", ""), "name: [", "x" * 70_000, BASE + "extra: 1\n"):
        reply = author.post("/api/prompts/grounded_answer/versions", json={"text": text})
        assert reply.status_code == 422 and reply.json()["code"] == "prompt-broken", reply.text
        assert reply.json()["detail"].endswith(".")
    assert author.get("/api/prompts/grounded_answer").json()["versions"] == []


def test_a_version_is_tried_beside_the_live_one(world: World, author: httpx.Client) -> None:
    author.post(
        "/api/prompts/plain_chat/versions", json={"text": 'name: plain_chat\nsystem: Hi.\nuser: "Now: {question}"\n'}
    )
    both = author.post("/api/prompts/plain_chat/versions/1/try", json={"question": "What now?"}).json()
    assert (both["live"]["answer"], both["candidate"]["answer"]) == ("What now?", "Now: What now?")
    assert author.post("/api/prompts/plain_chat/versions/9/try", json={"question": "x"}).status_code == 404
    refused = author.post("/api/prompts/condense/versions/0/try", json={"question": "x"})
    assert refused.status_code == 422 and "test set" in refused.json()["detail"]


def test_a_version_is_measured_on_a_test_set_beside_the_live_one(world: World, author: httpx.Client) -> None:
    author.post("/api/prompts/grounded_answer/versions", json={"text": BRIEF})
    body = {"questions": QUESTIONS}
    begun = author.post("/api/prompts/grounded_answer/versions/1/evaluate", json=body)
    assert begun.status_code == 202
    address, deadline = f"/api/prompt-evaluations/{begun.json()['id']}", time.monotonic() + 60
    while (found := author.get(address).json())["state"] == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (found["state"], found["done"], found["of"]) == ("done", 6, 6)
    for side in ("live", "candidate"):
        assert found["scores"][side]["n"] == 3 and "token_f1" in found["scores"][side]["metrics"]
    bad = author.post("/api/prompts/grounded_answer/versions/1/evaluate", json={"questions": [{"question": ""}]})
    assert bad.status_code == 422 and "empty question" in bad.json()["detail"]


def test_nothing_is_scored_without_a_model(world: World, author: httpx.Client) -> None:
    class Nobody:
        def choose(self, turn: Turn) -> Choice:
            raise ModelRefused("There is no model.", "model_not_found")

    world.app.playground._turns._models = Nobody()
    begun = author.post("/api/prompts/grounded_answer/versions/0/evaluate", json={"questions": QUESTIONS}).json()
    deadline = time.monotonic() + 60
    while (found := author.get(f"/api/prompt-evaluations/{begun['id']}").json())["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found["state"] == "failed" and "3 of 3" in found["reason"] and found["scores"] == {}
