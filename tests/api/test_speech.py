"""Recordings through the front door: the official `openai` package, the command, and what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from typer.testing import CliRunner

from assistant.cli.main import app
from assistant.cli.output import Failed
from assistant.models.errors import ModelError, ModelOverloaded, ModelRefused, ModelUnavailable
from assistant.models.fake_speech_server import FakeSpeechServer, Reply
from assistant.models.openai_http import Endpoint, OpenAITranscriber
from assistant.people import credentials

from .conftest import World
from .speech_world import SAID, hear, part, spoken, switch_on, wav

URL = "/v1/audio/transcriptions"


FORMS = {
    "a.wav": wav(),
    "a.mp3": b"ID3\x04\x00" + b"\x00" * 20,
    "b.mp3": b"\xff\xfb\x90\x64" + b"\x00" * 20,
    "a.m4a": b"\x00\x00\x00\x20ftypM4A \x00\x00",
    "a.mp4": b"\x00\x00\x00\x20ftypisom\x00\x00",
    "a.ogg": b"OggS\x00\x02",
    "a.webm": b"\x1aE\xdf\xa3\x01",
    "a.flac": b"fLaC\x00\x00",
}


@pytest.fixture
def client(world: World, address: str) -> Iterator[openai.OpenAI]:
    _, key = credentials.add_key(world.app.engine, world.app.secrets, world.ben.id, "script")
    with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0, timeout=20) as made:
        yield made


@pytest.fixture
async def ben(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.client(world.ben) as made:
        yield made


def test_the_openai_package_gets_the_words(world: World, client: openai.OpenAI) -> None:
    fake = hear(world)
    reply = client.audio.transcriptions.create(
        model="assistant-speech", file=("a.wav", wav()), language="de", prompt="Inhouse"
    )
    assert reply.text == SAID
    ((recording, language, prompt),) = fake.heard
    assert (recording.data, language, prompt) == (wav(), "de", "Inhouse")
    text = client.audio.transcriptions.create(model="fake-speech", file=("a.wav", wav()), response_format="text")
    assert str(text).strip() == SAID


def test_the_openai_package_asks_a_spoken_question(world: World, client: openai.OpenAI) -> None:
    hear(world)
    encoded = base64.b64encode(wav()).decode()
    reply = client.chat.completions.create(
        model="assistant",
        messages=[
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": encoded, "format": "wav"}}]}
        ],
    )
    assert reply.choices[0].message.content and world.turns.asked[0].question == SAID


async def test_where_speech_is_off_it_says_so(world: World, ben: httpx.AsyncClient) -> None:
    refused = await ben.post(URL, files={"file": ("a.wav", wav())})
    assert refused.status_code == 501 and refused.json()["error"]["code"] == "speech_off"
    asked = await ben.post("/v1/chat/completions", json=spoken(part(wav())))
    assert asked.status_code == 400 and asked.json()["error"]["code"] == "speech_off"
    assert "type the text" in asked.json()["error"]["message"] and not world.turns.asked
    assert (await ben.get("/api/speech")).json()["on"] is False
    hear(world)
    assert (await ben.get("/api/speech")).json() == {"on": True, "max_bytes": 100_000, "max_seconds": 2.0}


async def test_nobody_is_heard_without_a_credential(world: World) -> None:
    fake = hear(world)
    async with world.client() as nobody:
        refused = await nobody.post(URL, files={"file": ("a.wav", wav())})
        chat = await nobody.post("/v1/chat/completions", json=spoken(part(wav())))
    assert (refused.status_code, chat.status_code) == (401, 401) and not fake.heard


@pytest.mark.parametrize("name", FORMS)
async def test_it_takes_every_common_form_whatever_it_is_called(
    world: World, ben: httpx.AsyncClient, name: str
) -> None:
    fake = hear(world)
    reply = await ben.post(URL, files={"file": ("recording", FORMS[name], "application/octet-stream")})
    assert reply.status_code == 200 and reply.json() == {"text": SAID}
    form = name.partition(".")[2]
    assert fake.heard[0][0].form == ("mp4" if form == "m4a" else form)
    asked = await ben.post("/v1/chat/completions", json=spoken(part(FORMS[name], form)))
    assert asked.status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        b"just text",
        b"MZ\x90\x00",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0 a jpeg",
        b"\xff\xfeU\x00T\x00F\x00",
        b"\x00\x00\x00\x20ftypheic",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"<svg onload=alert(1)>",
    ],
)
async def test_what_is_no_recording_goes_nowhere(world: World, ben: httpx.AsyncClient, data: bytes) -> None:
    fake = hear(world)
    reply = await ben.post(URL, files={"file": ("a.wav", data, "audio/wav")})
    assert reply.status_code == 415 and reply.json()["error"]["code"] == "recording_refused"
    asked = await ben.post("/v1/chat/completions", json=spoken(part(data)))
    assert asked.status_code == 415 and not fake.heard and not world.turns.asked


@pytest.mark.parametrize(
    ("send", "code", "says"),
    [
        ({"files": {"file": ("a.wav", b"")}}, "invalid", "no recording"),
        ({"files": {"x": ("a.wav", wav())}}, "invalid", "no field 'x'"),
        ({"data": {"response_format": "srt"}}, "invalid", "'json' or 'text'"),
        ({"data": {"temperature": "0.2"}}, "invalid", "no field 'temperature'"),
        ({"data": {"stream": "true"}}, "invalid", "no field 'stream'"),
        ({"data": {"language": "de\r\nX: y"}}, "invalid", "A language is a code"),
        ({"data": {"prompt": "x" * 2_001}}, "invalid", "2,000 characters"),
        ({"data": {"prompt": "a\x00b"}}, "invalid", "none of them NUL"),
    ],
)
async def test_it_refuses_what_it_cannot_honour(
    world: World, ben: httpx.AsyncClient, send: dict[str, Any], code: str, says: str
) -> None:
    fake = hear(world)
    reply = await ben.post(URL, **{"files": {"file": ("a.wav", wav())}, **send})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
    assert says in reply.json()["error"]["message"] and not fake.heard


async def test_it_refuses_other_models_and_other_bodies(world: World, ben: httpx.AsyncClient) -> None:
    hear(world)
    reply = await ben.post(URL, files={"file": ("a.wav", wav())}, data={"model": "gpt-9"})
    assert reply.status_code == 404 and reply.json()["error"]["param"] == "model"
    reply = await ben.post(URL, json={"file": "x"})
    assert reply.status_code == 415 and "'file'" in reply.json()["error"]["message"]


async def test_a_recording_has_a_largest_size_and_longest_time(world: World, ben: httpx.AsyncClient) -> None:
    fake = hear(world)
    for data, code in ((FORMS["a.mp3"] + b"x" * 100_000, "recording_too_long"), (wav(3.0), "recording_too_long")):
        reply = await ben.post(URL, files={"file": ("a", data)})
        assert (reply.status_code, reply.json()["error"]["code"]) == (413, code)
        asked = await ben.post("/v1/chat/completions", json=spoken(part(data, "mp3" if data[:3] == b"ID3" else "wav")))
        assert (asked.status_code, asked.json()["error"]["code"]) == (413, code)
    assert not fake.heard


async def test_a_body_that_goes_on_is_left_unread(world: World, ben: httpx.AsyncClient) -> None:
    fake, sent = hear(world), 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + wav()
        while sent < 50_000_000:
            sent += 65_536
            yield b"\x00" * 65_536

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = await ben.post(URL, content=endless(), headers=headers)
    assert reply.status_code == 413 and sent < 1_000_000 and not fake.heard


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ModelUnavailable("http://inner:1 is down"), 503, "speech_unavailable"),
        (ModelOverloaded("http://inner:1 is full", 7.0), 429, "overloaded"),
        (ModelRefused("http://inner:1 says no"), 400, "speech_refused"),
    ],
)
async def test_a_failing_endpoint_is_told_in_a_sentence_without_its_address(
    world: World, ben: httpx.AsyncClient, error: ModelError, status: int, code: str
) -> None:
    hear(world, error)
    for reply in (
        await ben.post(URL, files={"file": ("a.wav", wav())}),
        await ben.post("/v1/chat/completions", json=spoken(part(wav()))),
    ):
        assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
        assert "inner" not in reply.text and ("Retry-After" in reply.headers) == (status != 400)
    assert not world.turns.asked


async def test_an_endpoint_that_is_silent_or_talks_garbage_or_is_gone(world: World, ben: httpx.AsyncClient) -> None:
    async with FakeSpeechServer().running() as server:
        patient, hurried = (OpenAITranscriber(Endpoint(server.url), seconds) for seconds in (60.0, 0.3))
        switch_on(world, patient)
        files = {"file": ("a.wav", wav())}
        assert (await ben.post(URL, files=files)).json() == {"text": SAID}
        server.reply = Reply(200, b"<html>")
        assert (await ben.post(URL, files=files)).status_code == 503
        server.silent = True
        switch_on(world, hurried)
        assert (await ben.post(URL, files=files)).status_code == 503
        await server.close()
        assert (await ben.post(URL, files=files)).status_code == 503
        await patient.close()
        await hurried.close()


async def test_a_person_has_only_so_many_recordings_in_a_minute(world: World, ben: httpx.AsyncClient) -> None:
    fake = hear(world)
    replies = [await ben.post(URL, files={"file": ("a.wav", wav())}) for _ in range(140)]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert refused and "Retry-After" in refused[0].headers and len(fake.heard) == 140 - len(refused)


def test_the_command_line_prints_the_words(world: World, address: str, tmp_path: Path) -> None:
    recording = tmp_path / "memo.wav"
    recording.write_bytes(wav())

    def run(*arguments: str) -> str:
        return (
            CliRunner()
            .invoke(app, ["--data-dir", str(tmp_path), "transcribe", *arguments], catch_exceptions=False)
            .stdout
        )

    with pytest.raises(Failed, match="Speech is off here"):
        run(str(recording))
    fake = hear(world)
    assert run(str(recording), "--language", "de").strip() == SAID and fake.heard[0][1] == "de"
    assert json.loads(run(str(recording), "--json")) == {"text": SAID}
    with pytest.raises(Failed, match="There is no file"):
        run(str(tmp_path / "nothing.wav"))
