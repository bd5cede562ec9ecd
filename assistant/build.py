"""Builds every object of the product once, from settings; what is built receives plain values and looks for nothing."""

from __future__ import annotations

from functools import partial
from typing import Literal

from sqlalchemy import Engine

from assistant import attachments, secret_file
from assistant.app import App, Service
from assistant.guardrails.grounding import RuleJudge
from assistant.models.engines import LocalEngines
from assistant.models.plan import fingerprint, plan
from assistant.models.registry import Registry, lanes
from assistant.orchestration.gate import KernelGate
from assistant.record import SqlRecords
from assistant.settings import Settings
from assistant.storage import database, files
from assistant.threads import in_thread
from assistant.turn import Turns
from knowledge.embed import open_embedder
from knowledge.indexes import Indexes
from knowledge.rerank import OnnxReranker
from knowledge.search import Search
from knowledge.types import Embedder, Scope


class KnowledgeService:
    """The indexes as a service of the server: they follow the database while it runs."""

    name = "knowledge"

    def __init__(self, indexes: Indexes) -> None:
        """Nothing is opened yet."""
        self._indexes = indexes

    async def start(self) -> None:
        """Begin to follow; an exact scan answers until the indexes are ready."""
        self._indexes.start()

    async def stop(self) -> None:
        """Close the indexes in good order."""
        await in_thread(self._indexes.stop)

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return ready: searches are answered from the first moment; the sentence tells what the indexes do."""
        parts = [f"{status.kind}: {status.state}, {status.entries} entries" for status in self._indexes.status()]
        return "ready", "; ".join(parts) + "."


def build(settings: Settings) -> App:
    """Return the application of `settings`; nothing runs before its `start`.

    Raises SettingsRefused or DatabaseRefused when the program must not start like this.
    """
    key = settings.secret.get_secret_value() if settings.secret else None
    secrets = secret_file.load(settings.data_dir, key)
    engine = database(settings)
    embedder = open_embedder(settings.knowledge)
    indexes = Indexes(
        engine, settings.data_dir / "indexes", embedder.name, embedder.dimension, settings.knowledge.check_every_s
    )
    engines = _engines(settings)
    registry = Registry(lanes(settings.models, engines), engines)
    search = _search(settings, engine, indexes, embedder)
    gate = KernelGate(settings.turn.warm_up)
    turns = Turns(
        search,
        registry,
        RuleJudge(embedder.embed),
        gate,
        SqlRecords(engine),
        settings.turn,
        partial(_attached, engine),
        (secrets.local,),
    )
    services: list[Service] = [KnowledgeService(indexes), gate, *([engines] if engines else []), registry]
    return App(
        settings=settings,
        engine=engine,
        secrets=secrets,
        turns=turns,
        searcher=search,
        indexes=indexes,
        embedder=embedder,
        files=files(settings),
        models=registry,
        services=services,
    )


def _search(settings: Settings, engine: Engine, indexes: Indexes, embedder: Embedder) -> Search:
    path = settings.knowledge.reranker_path
    return Search(engine, indexes, embedder, OnnxReranker(path) if path else None)


def _engines(settings: Settings) -> LocalEngines | None:
    """Return the keeper of the local engine, or None where another server takes its place."""
    if settings.models.url:
        return None
    return LocalEngines(
        settings.data_dir / "run",
        settings.data_dir / "logs" / "engine.log",
        partial(plan, settings.data_dir, settings.models),
        partial(fingerprint, settings.data_dir),
    )


async def _attached(engine: Engine, scope: Scope, conversation_id: str) -> str | None:
    found = await in_thread(attachments.attached, engine, scope, conversation_id)
    return found.name if found else None
