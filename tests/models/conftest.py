"""A fake server on loopback, and what a test needs to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from assistant.models.fake_script import Script
from assistant.models.fake_server import FakeServer
from assistant.models.openai_http import Endpoint, OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import VLLM, Dialect
from assistant.models.types import ModelRequest, Sampling
from assistant.orchestration.prompts import Message

Connect = Callable[..., OpenAIModel]


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer(Script(name="tall")).running() as opened:
        yield opened


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Make clients; they are closed after the test."""
    made: list[OpenAIModel] = []

    def client(url: str, key: str = "", dialect: Dialect = VLLM, timeouts: Timeouts | None = None) -> OpenAIModel:
        waits = timeouts or Timeouts(inter_token_s=60.0)
        made.append(OpenAIModel("tall", fixed(Endpoint(url, key, "tall")), 8192, waits, dialect))
        return made[-1]

    yield client
    for model in made:
        await model.close()


def asked(text: str = "What is the value?", **sampling: object) -> ModelRequest:
    return ModelRequest((Message("user", text),), Sampling(**sampling))  # type: ignore[arg-type]


@pytest.fixture
def ask() -> Callable[..., ModelRequest]:
    """Make a request with one user message."""
    return asked
