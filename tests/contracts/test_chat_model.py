"""What every ChatModel keeps to: the fakes, the client over a fake server, and the client over the real engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from assistant.models.engines import LocalEngines
from assistant.models.errors import ModelError, ModelRefused
from assistant.models.fake import EchoModel, ScriptedModel
from assistant.models.fake_script import Script
from assistant.models.fake_server import FakeServer
from assistant.models.openai_http import Endpoint, OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import LOCAL, VLLM
from assistant.models.plan import plan
from assistant.models.preparing import fingerprint
from assistant.models.settings import ModelSettings
from assistant.models.types import ChatModel, ModelRequest, Piece, Sampling
from assistant.orchestration.prompts import Message

LONG = "Count from one to one hundred in words, separated by commas, and do not stop before the end."


@dataclass
class Subject:
    """A model under test."""

    model: ChatModel


async def _scripted(_: Path, stack: AsyncExitStack) -> Subject:
    return Subject(ScriptedModel([" ".join(map(str, range(100)))], pause_s=0.001))


async def _echo(_: Path, stack: AsyncExitStack) -> Subject:
    return Subject(EchoModel())


async def _over_fake_server(_: Path, stack: AsyncExitStack) -> Subject:
    server = await stack.enter_async_context(FakeServer(Script(rate=500)).running())
    model = OpenAIModel("fake", fixed(Endpoint(server.url)), 8192, Timeouts(), VLLM)
    stack.push_async_callback(model.close)
    return Subject(model)


async def _real(data_dir: Path, stack: AsyncExitStack) -> Subject:
    settings = ModelSettings(context_tokens=4096)
    engines = LocalEngines(
        data_dir / "run", data_dir / "engine.log", lambda: plan(data_dir, settings), lambda: fingerprint(data_dir)
    )
    await engines.start()
    stack.push_async_callback(engines.stop)
    async with asyncio.timeout(240):
        while engines.state()[0] != "ready":
            assert engines.state()[0] != "failed", engines.state()
            await asyncio.sleep(0.1)
    model = OpenAIModel("local", engines.locate, 4096, Timeouts(inter_token_s=60), LOCAL)
    stack.push_async_callback(model.close)
    return Subject(model)


MAKERS = {"scripted": _scripted, "echo": _echo, "fake-server": _over_fake_server, "engine": _real}


@pytest_asyncio.fixture(
    loop_scope="module",
    params=[pytest.param(name, marks=pytest.mark.model) if name == "engine" else name for name in MAKERS],
    scope="module",
)
async def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Subject]:
    async with AsyncExitStack() as stack:
        yield await MAKERS[request.param](tmp_path_factory.mktemp("data"), stack)


pytestmark = pytest.mark.asyncio(loop_scope="module")


def asked(text: str = LONG, **sampling: object) -> ModelRequest:
    return ModelRequest((Message("user", text),), Sampling(**sampling))  # type: ignore[arg-type]


async def read(subject: Subject, request: ModelRequest) -> list[Piece]:
    return [piece async for piece in subject.model.stream(request)]


async def test_it_ends_with_a_reason_and_usage(subject: Subject) -> None:
    pieces = await read(subject, asked(max_tokens=12))
    assert all(piece.stopped_by is None for piece in pieces[:-1])
    assert pieces[-1].stopped_by in ("stop", "length")
    usage = pieces[-1].usage
    assert usage is not None and usage.input_tokens > 0 and 0 < usage.output_tokens <= 12


async def test_it_stops_at_the_token_budget_and_says_so(subject: Subject) -> None:
    pieces = await read(subject, asked(max_tokens=5))
    assert pieces[-1].stopped_by == "length"
    assert pieces[-1].usage is not None and pieces[-1].usage.output_tokens == 5


async def test_it_never_shows_a_stop_string(subject: Subject) -> None:
    whole = "".join(piece.text for piece in await read(subject, asked(max_tokens=40)))
    stop = whole[len(whole) // 3 : len(whole) // 3 + 4]
    pieces = await read(subject, asked(max_tokens=40, stop=(stop,)))
    text = "".join(piece.text for piece in pieces)
    assert stop not in text
    assert text == whole[: whole.find(stop)]
    assert pieces[-1].stopped_by == "stop"


async def test_it_gives_the_same_reply_to_the_same_greedy_request(subject: Subject) -> None:
    first = [piece.text for piece in await read(subject, asked(max_tokens=20))]
    second = [piece.text for piece in await read(subject, asked(max_tokens=20))]
    assert "".join(first) == "".join(second)


async def test_it_can_be_left_in_the_middle_and_asked_again(subject: Subject) -> None:
    for _ in range(3):
        async with aclosing(subject.model.stream(asked(max_tokens=200))) as pieces:  # type: ignore[type-var]
            assert (await anext(pieces)).text
    assert (await read(subject, asked(max_tokens=5)))[-1].stopped_by == "length"


async def test_it_refuses_a_prompt_beyond_its_context(subject: Subject) -> None:
    with pytest.raises(ModelRefused) as caught:
        await read(subject, asked("word " * (subject.model.context_tokens + 100)))
    assert caught.value.code == "context_length_exceeded"


async def test_it_counts_more_tokens_for_more_text(subject: Subject) -> None:
    short = await subject.model.count_tokens((Message("user", "one two"),))
    long = await subject.model.count_tokens((Message("user", "one two " * 50),))
    assert 0 < short < long


async def test_it_answers_several_at_once(subject: Subject) -> None:
    replies = await asyncio.gather(*(read(subject, asked(max_tokens=8)) for _ in range(6)))
    assert len({"".join(piece.text for piece in pieces) for pieces in replies}) == 1


async def test_its_errors_are_of_one_tree(subject: Subject) -> None:
    with pytest.raises(ModelError):
        await read(subject, asked("word " * (subject.model.context_tokens + 100)))
