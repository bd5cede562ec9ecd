"""The engine's own server on loopback, over a backend that counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn

from assistant.models.local.fake_backend import CountingBackend
from assistant.models.local.server import build

KEY = "k" * 32


@dataclass
class Running:
    """A server with its backend."""

    url: str
    backend: CountingBackend
    key: str = KEY
    broken: list[BaseException] = field(default_factory=list)


Serve = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def serve() -> Serve:
    """Serve a backend inside a block."""

    @asynccontextmanager
    async def running(backend: CountingBackend, places: int = 8) -> AsyncIterator[Running]:
        state = Running("", backend)
        app = build(backend, KEY, places, state.broken.append, lambda: backend.seconds)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.005)
        state.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
        try:
            yield state
        finally:
            server.should_exit = True
            await task

    return running
