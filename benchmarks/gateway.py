"""What the whole product adds to an engine at 20 streams: the same chats through the API and to the engine directly.

    python -m benchmarks.gateway [--engine fake local vllm] [--streams 20] [--chats 5] [--python .venv-vllm/bin/python]

Readers come evenly spread and ask one chat after the other, with up to a second of thought between, half of the rounds
through the API, half directly with the very body that the API sends. The fake engine computes nothing, so what it shows
is ours; the local engine and vLLM share the cores with the API, as on a small machine, and wait for them most. For vLLM
the proxy alone is measured too. Links and secrets are looked for in whole words, so text waits for the end of its word;
only the first letters of an answer do not, where neither a link nor a secret begins with them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from assistant.models.fake_script import Script
from assistant.models.fake_server import FakeServer
from assistant.models.openai_http import Endpoint
from benchmarks import engines
from benchmarks.report import Figure, median, percentile, show

ROUNDS = 2
TOKENS = 32
# Who asks in the moment in which an answer ended comes just in time for an engine's next step; people do not.
THINKS_S = 1.0
RATE = 32.0  # of the fake engine, so that a stream lasts a second
NUMBER = "NUMBER"
JSON = {"Content-Type": "application/json"}
Body = Mapping[str, Any]
ASKED: Body = {
    "model": "assistant",
    "stream": True,
    "max_tokens": TOKENS,
    "messages": [{"role": "user", "content": f"Tell me about number {NUMBER}."}],
    "assistant": {"grounded": False},
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One chat as its reader saw it, in milliseconds."""

    first: float
    whole: float


@dataclass
class Door:
    """One way to an engine."""

    name: str
    url: str
    key: str
    body: Body
    socket: str | None = None
    seen: list[Seen] = field(default_factory=list)

    def client(self) -> httpx.AsyncClient:
        """Return a client with a connection for every reader."""
        limits = httpx.Limits(max_connections=None)
        transport = httpx.AsyncHTTPTransport(uds=self.socket, limits=limits)
        return httpx.AsyncClient(
            transport=transport, timeout=600, headers={"Authorization": f"Bearer {self.key or 'none'}"}
        )


async def main() -> int:
    """Print the figures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", nargs="+", choices=["fake", "local", "vllm"], default=["fake", "local", "vllm"])
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--chats", type=int, default=5, help="That each reader asks in a round")
    parser.add_argument("--python", type=Path, default=Path(".venv-vllm/bin/python"))
    parser.add_argument("--cache", type=Path, help="Folder that keeps the prepared weights for the next run")
    given = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.cache or Path(temporary)
        for name in given.engine:
            async with opened(name, folder, Path(temporary), given.python) as doors:
                spread_s = TOKENS / RATE
                await ask(doors, min(given.streams, 4), 1, 0.0)  # what is loaded at first use is not counted
                for door in doors:
                    door.seen.clear()
                for _ in range(ROUNDS):
                    await ask(doors, given.streams, given.chats, spread_s)
                figures += _figures(name, doors, given.streams)
    show("gateway", figures, streams=given.streams, chats=given.chats * given.streams * ROUNDS)
    return 0


@asynccontextmanager
async def opened(name: str, folder: Path, temporary: Path, python: Path) -> AsyncIterator[list[Door]]:
    """Yield the ways to one engine: directly, then ours."""
    async with AsyncExitStack() as stack:
        socket, inner = None, ""
        if name == "fake":
            engine = await stack.enter_async_context(engines.fake(TOKENS, RATE))
        elif name == "local":
            engine = await stack.enter_async_context(engines.local(folder))
        else:
            server = engines.vllm(folder, python, running=32, queued=64, lora=None)
            served = await stack.enter_async_context(server)
            engine, (socket, inner) = served.endpoint, served.direct()
        sent = await what_is_sent(temporary / f"{name}-sent", engine)
        ours = await stack.enter_async_context(engines.product(temporary / name, engine))
        nearer = Door("engine" if socket is None else "proxy", engine.base_url, engine.api_key, sent)
        doors = [nearer, Door("ours", ours.base_url, ours.api_key, ASKED)]
        yield doors if socket is None else [Door("engine", "http://vllm/v1", inner, sent, socket), *doors]


async def what_is_sent(data: Path, engine: Endpoint) -> Body:
    """Return the body that the API sends to an engine for one of these chats."""
    async with FakeServer(Script(tokens=2)).running() as listener:
        place = Endpoint(listener.url, engine.api_key, engine.served_name)
        async with engines.product(data, place) as ours:
            door = Door("once", ours.base_url, ours.api_key, ASKED)
            async with door.client() as client:
                await chat(door, client, NUMBER)  # what is asked directly gets numbers of its own, too
        return listener.bodies[-1]


async def ask(doors: Sequence[Door], streams: int, chats: int, spread_s: float) -> None:
    """Have readers ask through each door in turn, and note what they see."""
    thought = random.Random(20)
    for place, door in enumerate(doors):

        async def reader(n: int, client: httpx.AsyncClient, place: int = place, door: Door = door) -> None:
            await asyncio.sleep(spread_s * n / streams)
            for k in range(chats):
                await asyncio.sleep(thought.uniform(0.0, THINKS_S))
                number = f"{(place * streams + n) * chats + k} of {time.time_ns() % 10**6}"
                door.seen.append(await chat(door, client, number))

        async with door.client() as client:
            await asyncio.gather(*(reader(n, client) for n in range(streams)))


async def chat(door: Door, client: httpx.AsyncClient, number: str) -> Seen:
    """Return how long one chat took; every question has another `number`, so that no cache answers."""
    body = json.dumps(door.body).replace(NUMBER, number)
    begin, first = time.perf_counter(), 0.0
    async with client.stream("POST", f"{door.url}/chat/completions", content=body, headers=JSON) as reply:
        if reply.status_code != httpx.codes.OK:
            sys.exit(f"{door.name} answered {reply.status_code}: {(await reply.aread())[:300]!r}")
        async for line in reply.aiter_lines():
            if not first and line.startswith("data: {"):
                choices = json.loads(line[6:]).get("choices") or [{}]
                first = time.perf_counter() if choices[0].get("delta", {}).get("content") else 0.0
    end = time.perf_counter()
    return Seen(((first or end) - begin) * 1000, (end - begin) * 1000)


def _figures(engine: str, doors: Sequence[Door], streams: int) -> list[Figure]:
    direct, figures = doors[0].seen, []
    for door in doors[1:]:
        for what, share, goal in (("p50", 0.5, "<= 8 ms added"), ("p95", 0.95, "<= 20 ms added")):
            here, there = (percentile([seen.first for seen in found], share) for found in (door.seen, direct))
            name = f"{engine}, {door.name}: first text {what}"
            figures += [
                Figure(name, here, "ms", "the engine directly", there),
                Figure(f"{engine}, {door.name}: added {what}, {streams} streams", here - there, "ms", goal=goal),
            ]
        here, there = (median([seen.whole for seen in found]) for found in (door.seen, direct))
        figures.append(Figure(f"{engine}, {door.name}: whole answer p50", here, "ms", "the engine directly", there))
    return figures


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
