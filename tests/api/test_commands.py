"""Questions that begin with the name of a prompt, over the real HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from .conftest import World, serving


@pytest.fixture
def ben(world: World) -> Iterator[httpx.Client]:
    """An ordinary account at a real server."""
    with serving(world.api, world.app.settings) as url, httpx.Client(base_url=url, timeout=60) as client:
        client.headers.update(world.as_(world.ben))
        yield client


def asked(client: httpx.Client, text: str, **extra: Any) -> httpx.Response:
    body = {"model": "assistant", "messages": [{"role": "user", "content": text}], "assistant": extra}
    return client.post("/v1/chat/completions", json=body)


def test_lists_the_prompts_and_reads_a_text(ben: httpx.Client) -> None:
    names = {one["name"]: one["job"] for one in ben.get("/api/commands").json()["commands"]}
    assert names["self_ask_answer"] == "answer" and "grounded_answer" not in names
    read = ben.post("/api/commands", json={"text": "/self_ask_answer How long?"}).json()
    assert read == {"prompt": "self_ask_answer", "question": "How long?", "commands": []}
    assert len(ben.post("/api/commands", json={"text": "/"}).json()["commands"]) == len(names)
    assert ben.post("/api/commands", json={"text": "/etc/passwd"}).json()["question"] == "/etc/passwd"
    wrong = ben.post("/api/commands", json={"text": "/self_ask How long?"})
    assert wrong.status_code == 422 and "/self_ask_answer" in wrong.json()["detail"]
    assert ben.get("/api/commands", headers={"Authorization": ""}).status_code == 401


def test_asks_with_the_prompt_and_stores_the_question_alone(ben: httpx.Client, world: World) -> None:
    conversation = ben.post("/api/conversations", json={}).json()["id"]
    reply = asked(ben, "/self_ask_answer How many days of leave?", conversation_id=conversation)
    assert reply.status_code == 200
    options = world.turns.asked[-1].options
    assert options.persona is not None and options.persona.prompt == "self_ask_answer" and options.grounded
    steps = reply.json()["assistant"]["steps"]
    assert steps[0]["name"] == "prompt" and steps[0]["detail"] == "/self_ask_answer"
    (turn,) = ben.get(f"/api/conversations/{conversation}").json()["turns"]
    assert turn["question"] == "How many days of leave?"
    assert turn["answer"]["steps"][0]["detail"] == "/self_ask_answer"


def test_asks_nothing_where_no_prompt_has_the_name(ben: httpx.Client) -> None:
    conversation = ben.post("/api/conversations", json={}).json()["id"]
    for text, said in (
        ("/self_ask Hi", "Did you mean /self_ask_answer"),
        ("/", "/few_shot_answer (from the documents)"),
    ):
        refused = asked(ben, text, conversation_id=conversation)
        assert refused.status_code in (400, 422) and said in refused.json()["error"]["message"]
    without = asked(ben, "/self_ask_answer Hi", grounded=False)
    assert "this chat is one without" in without.json()["error"]["message"]
    assert not ben.get(f"/api/conversations/{conversation}").json()["turns"]
    assert asked(ben, "/etc/passwd is readable. Is that so?").status_code == 200
