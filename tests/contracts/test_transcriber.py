"""What every Transcriber keeps to: the fake, and the client over a real server that speaks OpenAI's protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from assistant.models.errors import ModelError, ModelOverloaded, ModelRefused, ModelUnavailable
from assistant.models.fake_speech_server import FakeSpeechServer, Reply
from assistant.models.openai_http import Endpoint, OpenAITranscriber
from assistant.models.recordings import FakeTranscriber, Recording, Transcriber

WAV = Recording("wav", b"RIFF\x00\x00\x00\x00WAVEfmt ")
Make = Callable[[str | ModelError], Transcriber]


def reply(line: str | ModelError) -> Reply:
    if isinstance(line, ModelOverloaded):
        return Reply(429, {"error": {"message": "full"}})
    if isinstance(line, ModelRefused):
        return Reply(400, {"error": {"message": "cannot be decoded"}})
    return Reply(500, {"error": {"message": "broken"}}) if isinstance(line, ModelError) else Reply(200, {"text": line})


@pytest_asyncio.fixture(params=["fake", "http"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(FakeSpeechServer().running())

        def made(line: str | ModelError) -> Transcriber:
            server.reply = reply(line)
            http = OpenAITranscriber(Endpoint(server.url), 20.0)
            transcriber: Transcriber = FakeTranscriber([line]) if request.param == "fake" else http
            stack.push_async_callback(transcriber.close)
            return transcriber

        yield made


async def test_it_returns_the_words(make: Make) -> None:
    transcriber = make("How much leave do I have?")
    assert [await transcriber.transcribe(WAV) for _ in range(2)] == ["How much leave do I have?"] * 2


async def test_silence_has_no_words(make: Make) -> None:
    assert await make("").transcribe(WAV, "de", "Inhouse") == ""


@pytest.mark.parametrize("error", [ModelUnavailable("x"), ModelOverloaded("x"), ModelRefused("x")])
async def test_it_tells_failures_apart(make: Make, error: ModelError) -> None:
    with pytest.raises(type(error)):
        await make(error).transcribe(WAV)


async def test_it_may_be_closed_without_having_heard_anything(make: Make) -> None:
    await make("x").close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeSpeechServer]:
    async with FakeSpeechServer().running() as running:
        yield running


async def over(server: FakeSpeechServer, timeout_s: float = 20.0) -> str:
    transcriber = OpenAITranscriber(Endpoint(server.url, "key-1", "whisper"), timeout_s)
    try:
        return await transcriber.transcribe(WAV, "de", "Inhouse")
    finally:
        await transcriber.close()


async def test_it_sends_what_the_protocol_asks_for_and_the_key(server: FakeSpeechServer) -> None:
    await over(server)
    (sent,) = server.requests
    assert sent.path == "/v1/audio/transcriptions" and sent.authorization == "Bearer key-1"
    assert sent.fields == {"model": "whisper", "language": "de", "prompt": "Inhouse", "response_format": "json"}
    assert (sent.filename, sent.media_type, sent.data) == ("recording.wav", "audio/wav", WAV.data)


@pytest.mark.parametrize(
    "garbage",
    [b"", b"not json", b"[]", b'{"words": "x"}', b'{"text": 7}', b'{"text": "' + b"x" * 2_000_000 + b'"}'],
)
async def test_what_is_no_transcript_is_a_failure_of_the_server(server: FakeSpeechServer, garbage: bytes) -> None:
    server.reply = Reply(200, garbage)
    with pytest.raises(ModelUnavailable, match="without a text"):
        await over(server)


async def test_what_no_database_can_store_is_left_out(server: FakeSpeechServer) -> None:
    server.reply = Reply(200, b'{"text": "a\\u0000b \\ud800 c"}')
    assert await over(server) == "ab ? c"


async def test_it_follows_no_redirect(server: FakeSpeechServer) -> None:
    server.reply = Reply(307, {}, {"Location": f"{server.url}/elsewhere"})
    with pytest.raises(ModelUnavailable):
        await over(server)
    assert len(server.requests) == 1


async def test_a_server_that_says_nothing_is_left(server: FakeSpeechServer) -> None:
    server.silent = True
    with pytest.raises(ModelUnavailable, match="said nothing for too long"):
        await over(server, 0.2)


async def test_a_server_that_is_not_there_is_unavailable(server: FakeSpeechServer) -> None:
    await server.close()
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await over(server)
