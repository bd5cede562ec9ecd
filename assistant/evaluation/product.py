"""The product as far as a measurement needs it: models, embedder and turns, in a folder of its own beside the data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from assistant.app import Service
from assistant.evaluation.errors import NothingToMeasure
from assistant.guardrails.grounding import RuleJudge
from assistant.models.engines import LocalEngines
from assistant.models.lanes import lanes
from assistant.models.preparing import fingerprint, prepare
from assistant.models.registry import Registry
from assistant.orchestration.examples import ExampleBank
from assistant.orchestration.fake import ListSearch
from assistant.orchestration.gate import KernelGate
from assistant.promptbook.book import PromptBook
from assistant.record import MemoryRecords
from assistant.settings import Settings
from assistant.turn import Turns
from knowledge.database import connect
from knowledge.embed import open_embedder
from knowledge.reader import OnnxReader
from knowledge.types import Embedder

_ENGINE_WAIT_S = 240.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Product:
    """What measures itself."""

    turns: Turns  # give it a search with `over`
    embedder: Embedder
    models: Registry


@asynccontextmanager
async def product(settings: Settings, say: Say) -> AsyncIterator[Product]:
    """Yield the product of `settings` with an engine of its own, so that a running server is not disturbed.

    Its weights come from the data folder; nothing is written there but weights made on the way.
    Raises NothingToMeasure when no model comes up.
    """
    embedder = open_embedder(settings.knowledge)
    with TemporaryDirectory(prefix="assistant-eval-") as folder:
        engines = None if settings.models.url else _engines(settings, Path(folder))
        registry = Registry(lanes(settings.models, engines), engines)
        gate = KernelGate()
        turns = Turns(
            ListSearch([]),
            registry,
            RuleJudge(embedder.embed),
            gate,
            MemoryRecords(),
            settings.turn.model_copy(update={"cache_answers": False}),
            prompts=_prompts(settings),
            reader=OnnxReader(),
            examples=ExampleBank(embedder.embed),
        )
        services: list[Service] = [gate, *([engines] if engines else []), registry]
        started: list[Service] = []
        try:
            for service in services:
                await service.start()
                started.append(service)
            if engines is not None:
                await _up(engines, say)
            await gate.ready()
            yield Product(turns, embedder, registry)
        finally:
            for service in reversed(started):
                await service.stop()


def _prompts(settings: Settings) -> PromptBook | None:
    """Return the installation's own prompts; None where there is no database yet, which measuring would not make."""
    if settings.database_url is None and not (settings.data_dir / "assistant.db").exists():
        return None
    return PromptBook(connect(settings.sql_url), settings.prompts)


def _engines(settings: Settings, folder: Path) -> LocalEngines:
    return LocalEngines(
        folder / "run",
        folder / "engine.log",
        partial(prepare, settings.data_dir, settings.models),
        partial(fingerprint, settings.data_dir),
    )


async def _up(engines: LocalEngines, say: Say) -> None:
    say("Starting the local model ...")
    try:
        async with asyncio.timeout(_ENGINE_WAIT_S):
            while engines.state()[0] == "starting":
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise NothingToMeasure(f"The local model did not come up in {_ENGINE_WAIT_S:.0f} s.") from None
    state, sentence = engines.state()
    if state == "failed":
        raise NothingToMeasure(sentence)
    say(sentence)
