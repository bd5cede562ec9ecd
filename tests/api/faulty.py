"""The API over two scripted models, with the product's own tiers, deadlines and breakers between them."""

from __future__ import annotations

import asyncio
import json
import math
import re
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, func, select

from assistant import conversations
from assistant.api.app import create
from assistant.guardrails.grounding import RuleJudge
from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.fake_script import Fault, Script
from assistant.models.fake_server import FakeServer
from assistant.models.lanes import lanes
from assistant.models.registry import Registry
from assistant.models.router import Lane
from assistant.models.settings import ModelSettings
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.record import SqlRecords
from assistant.settings import load
from assistant.tables import turn_records
from assistant.turn import Turns
from knowledge.embed import HashEmbedder
from knowledge.types import Passage

from .conftest import World, make_world, serving

# Six sentences of ten words, so that a reply has the 60 tokens of the fault shapes.
PLACES = ("Lisbon", "Rouen", "Turin", "Ghent", "Malmo", "Vienna")
_YEARS = ("1987", "1991", "1996", "2003", "2009", "2014")
SENTENCES = tuple(
    f"The {place} warehouse opened in {year} with {n + 3} docks [1]."
    for n, (place, year) in enumerate(zip(PLACES, _YEARS, strict=True))
)
TEXT = " ".join(sentence.replace(" [1]", "") for sentence in SENTENCES)
# Long enough that the decision table asks the big model first.
QUESTION = "Each warehouse opened in a year with docks: which warehouse opened in which year, and with how many docks?"
# Where no deadline is looked at, none may pass, however busy the machine is.
PATIENT = dict.fromkeys(("first_token_s", "domain_first_token_s", "inter_token_s", "domain_inter_token_s"), 60.0)
# A breaker that never opens: the model is asked again however often it fails.
NEVER = BreakerRules(failures=10**6, silence_s=10**6)
_MANY: dict[str, Any] = {"max_chats_per_user": 10_000, "chats_per_minute_per_user": 100_000, "resume_grace_s": 0.3}


@dataclass
class Seen:
    """What a reader saw of one chat."""

    status: int = 0
    text: str = ""
    notices: list[str] = field(default_factory=list)
    ended: int = 0  # times that the stream said that it is complete
    last: dict[str, Any] = field(default_factory=dict)  # our object in the last chunk
    event_id: str = ""
    gap_s: float = 0.0  # the longest silence
    first_s: float = 0.0  # from asking to the first text
    whole_s: float = 0.0

    @property
    def places(self) -> list[str]:
        return re.findall(r"The (\w+) warehouse", self.text)


@dataclass
class Door:
    """The API with a big and a small model behind it."""

    world: World
    client: httpx.AsyncClient
    big: FakeServer
    small: FakeServer
    lanes: list[Lane]

    def conversation(self) -> str:
        return conversations.create(self.world.app.engine, self.world.ben.id)

    def fails(self, *faults: Fault) -> None:
        """Have the big model fail so from now on, and the small one answer."""
        self.big.script.faults.clear()
        self.small.script.faults.clear()
        self.big.script.faults.extend(faults)

    @asynccontextmanager
    async def asked(self, conversation: str | None = None, grounded: bool = True) -> AsyncIterator[httpx.Response]:
        ours = {"conversation_id": conversation} if conversation else {}
        body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True}
        body["assistant"] = ours | {"grounded": grounded}
        async with self.client.stream("POST", "/v1/chat/completions", json=body) as reply:
            yield reply

    async def chat(self, conversation: str | None = None, grounded: bool = True) -> Seen:
        seen = Seen()
        began = time.monotonic()
        async with self.asked(conversation, grounded) as reply:
            await read(reply, seen, began=began)
        seen.whole_s = time.monotonic() - began
        return seen

    async def usual_s(self, at_once: int) -> float:
        """The longest that so many chats take when nothing fails: what the machine itself costs just now."""
        self.fails()
        return max(seen.whole_s for seen in await asyncio.gather(*(self.chat() for _ in range(at_once))))

    def stored(self, conversation: str) -> dict[str, Any]:
        """Return the only turn of a conversation as it was stored."""
        found = conversations.read(self.world.app.engine, self.world.ben.id, conversation)
        assert found is not None
        (turn,) = found.turns
        answer: dict[str, Any] = turn.answer or {}
        return answer

    def records(self) -> int:
        with self.world.app.engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(turn_records)).scalar_one())


async def read(reply: httpx.Response, seen: Seen, enough: int | None = None, began: float | None = None) -> Seen:
    """Read a stream to its end, or until `enough` characters were said."""
    seen.status, last = reply.status_code, time.monotonic()
    async for line in reply.aiter_lines():
        now = time.monotonic()
        seen.gap_s, last = max(seen.gap_s, now - last), now
        if line.startswith("id: "):
            seen.event_id = line[4:]
        if line == "data: [DONE]":
            seen.ended += 1
        if not line.startswith("data: {"):
            continue
        chunk = json.loads(line[6:])
        assert "error" not in chunk, chunk
        said = "".join(choice["delta"].get("content") or "" for choice in chunk.get("choices", []))
        if said and not seen.text and began is not None:
            seen.first_s = now - began
        seen.text += said
        ours = chunk.get("assistant") or {}
        seen.notices += [ours["notice"]] if ours.get("notice") and "route" not in ours else []
        seen.last = ours if "route" in ours else seen.last
        if enough is not None and len(seen.text) >= enough:
            break
    return seen


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def opened(
    engine: Engine,
    folder: Path,
    rules: BreakerRules | None = None,
    clock: Callable[[], float] = time.monotonic,
    big_url: str = "",
    waits: dict[str, float] | None = None,
    **api: Any,
) -> AsyncIterator[Door]:
    """A door; without `rules` and `waits` with the breakers and deadlines that are shipped."""
    settings = load(data_dir=folder, api=_MANY | api)
    async with AsyncExitStack() as stack:
        big, small = [
            await stack.enter_async_context(FakeServer(Script(name, SENTENCES)).running()) for name in ("big", "small")
        ]
        tiers = {"vllm_url": big_url or big.url, "vllm_model": "big", "model": small.url, "model_name": "small"}
        made = lanes(ModelSettings(**tiers, **(waits or {})), None)  # type: ignore[arg-type]
        for lane in made:
            lane.breaker = Breaker(rules or BreakerRules(), clock)
        registry = Registry(made)
        world = make_world(engine, folder, settings)
        facts = Passage("c1", "d1", "depots", "Depots", "depots.md", TEXT, "", 1, "a1", 1.0)
        world.app.turns = Turns(
            ListSearch([facts]),
            registry,
            RuleJudge(HashEmbedder().embed),
            OpenGate(),
            SqlRecords(engine),
            settings.turn,
        )
        world.app.services.append(registry)
        url = stack.enter_context(serving(create(world.app), settings))
        limits = httpx.Limits(max_connections=None)
        # A guard against hanging, longer than any silence that is allowed.
        client = httpx.AsyncClient(base_url=url, headers=world.as_(world.ben), timeout=120, limits=limits)
        yield Door(world, await stack.enter_async_context(client), big, small, made)


def p95(numbers: list[float]) -> float:
    """The number that 95 of 100 do not exceed."""
    return sorted(numbers)[max(0, math.ceil(0.95 * len(numbers)) - 1)]
