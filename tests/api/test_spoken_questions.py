"""Questions that are spoken: heard in their place, once, and only where somebody will answer."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from .conftest import World
from .speech_world import SAID, hear, part, spoken, wav


@pytest.fixture
async def ben(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.client(world.ben) as made:
        yield made


async def test_what_is_said_is_the_question_in_the_place_where_it_was_said(
    world: World, ben: httpx.AsyncClient
) -> None:
    hear(world, "Is it paid?", "And abroad?")
    conversation = (await ben.post("/api/conversations", json={})).json()["id"]
    text = {"type": "text", "text": "About parental leave:"}
    body = spoken(part(wav()), text, part(wav()), assistant={"conversation_id": conversation})
    reply = (await ben.post("/v1/chat/completions", json=body)).json()
    question = "Is it paid?\nAbout parental leave:\nAnd abroad?"
    assert world.turns.asked[0].question == question
    steps = [(step["name"], step["detail"]) for step in reply["assistant"]["steps"]]
    assert steps[:2] == [
        ("hear", "Understood the recording as: Is it paid?"),
        ("hear", "Understood the recording as: And abroad?"),
    ]
    stored = (await ben.get(f"/api/conversations/{conversation}")).json()["turns"][0]
    assert stored["question"] == question and stored["answer"]["steps"][0]["name"] == "hear"
    assert base64.b64encode(wav()).decode()[:40] not in str(stored)


async def test_a_stream_tells_what_was_understood_before_anything_else(world: World, ben: httpx.AsyncClient) -> None:
    hear(world)
    reply = await ben.post("/v1/chat/completions", json=spoken(part(wav()), stream=True))
    assert 0 < reply.text.find(SAID) < reply.text.find("Looked through")


async def test_earlier_recordings_are_not_heard_again(world: World, ben: httpx.AsyncClient) -> None:
    fake = hear(world)
    earlier = {"role": "user", "content": [part(wav())]}
    messages = [earlier, {"role": "assistant", "content": "30 days."}, {"role": "user", "content": "And abroad?"}]
    assert (await ben.post("/v1/chat/completions", json={"messages": messages})).status_code == 200
    assert not fake.heard and "spoken message" in world.turns.asked[0].history[0].content


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([part(wav())] * 5, "invalid"),
        ([{"type": "input_audio", "input_audio": {"data": "%%%", "format": "wav"}}], "invalid"),
        ([{"type": "input_audio", "input_audio": {"data": "héllo", "format": "wav"}}], "invalid"),
        ([{"type": "input_audio", "input_audio": {"url": "http://169.254.169.254/"}}], "invalid"),
        ([part(wav())], "nothing_heard"),
    ],
)
async def test_a_spoken_question_that_cannot_be_taken_is_none(
    world: World, ben: httpx.AsyncClient, parts: list[Any], code: str
) -> None:
    hear(world, "  ")
    reply = await ben.post("/v1/chat/completions", json=spoken(*parts))
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code) and not world.turns.asked


async def test_a_recording_that_says_it_is_something_else_is_refused(world: World, ben: httpx.AsyncClient) -> None:
    fake = hear(world)
    reply = await ben.post("/v1/chat/completions", json=spoken(part(wav(), "mp3")))
    assert reply.status_code == 415 and "is wav, not 'mp3'" in reply.json()["error"]["message"] and not fake.heard


async def test_speech_that_must_stay_inside_is_not_sent_out(world: World, ben: httpx.AsyncClient) -> None:
    fake = hear(world, inside=False)
    reply = await ben.post("/v1/chat/completions", json=spoken(part(wav()), assistant={"privacy": "inside"}))
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "speech_outside") and not fake.heard


async def test_a_question_that_is_refused_anyway_is_not_heard(world: World, ben: httpx.AsyncClient) -> None:
    fake = hear(world)
    reply = await ben.post("/v1/chat/completions", json=spoken(part(wav()), model="gpt-9"))
    assert reply.status_code == 404 and not fake.heard


async def test_a_temporary_chat_may_be_spoken_and_stores_nothing(world: World, ben: httpx.AsyncClient) -> None:
    hear(world)
    reply = await ben.post("/v1/chat/completions", json=spoken(part(wav()), assistant={"temporary": True}))
    assert reply.status_code == 200 and world.turns.asked[0].options.temporary
    assert (await ben.get("/api/conversations")).json()["conversations"] == []
