"""The adapters of the vLLM server as the assistant sees them: kept as administrators chose, offered as models."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from assistant.models import choices
from assistant.models.choices import AdapterChoice
from assistant.models.errors import AdapterRefused, ModelUnavailable
from assistant.models.lanes import adapter_lane, vllm_endpoint
from assistant.models.presets import Preset
from assistant.models.registry import Registry
from assistant.models.router import Lane
from assistant.models.settings import ModelSettings
from assistant.models.speculation import Counters
from assistant.models.vllm.client import Offered, VllmClient
from assistant.threads import in_thread

LOOK_EVERY_S = 5.0

log = logging.getLogger(__name__)


class Adapters:
    """A service: brings the server and the choices together every few seconds, and at once when a choice changes.

    Several API processes may share one database and one vLLM server; each follows both by itself.
    """

    name = "adapters"

    def __init__(
        self,
        engine: Engine,
        settings: ModelSettings,
        registry: Registry,
        data_dir: Path,
        client: VllmClient | None = None,
    ) -> None:
        """`client` takes the place of the one that the settings name."""
        self._engine = engine
        self._settings = settings
        self._registry = registry
        self._data_dir = data_dir
        self._client = client or (
            VllmClient(vllm_endpoint(settings, "", data_dir)) if settings.vllm_url else None
        )  # fmt: skip
        self._lanes: dict[str, Lane] = {}
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.offers: Sequence[Offered] = ()  # as last seen
        self.problem = (
            "" if self._client else "No vLLM server is set up (models.vllm_url), so no adapter can be loaded."
        )
        self._reads: int | None = None  # tokens, as the server told last
        self._refused: dict[str, str] = {}  # why an adapter that is wanted was not loaded

    async def start(self) -> None:
        """Read the choices and begin to follow the server."""
        await self._registry.follow(await in_thread(choices.read, self._engine))
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return how it is, with a sentence for operators."""
        if self.problem and self._client is not None:
            return "failed", self.problem
        loaded = ", ".join(sorted(self._registry.adapters)) or "none"
        return "ready", f"Adapters served by vLLM: {loaded}."

    async def look(self) -> None:
        """Bring server and choices together once: what is wanted is loaded, what is loaded is offered."""
        async with self._lock:
            await self._registry.follow(await in_thread(choices.read, self._engine))
            await self._registry.reread()
            if self._client is None:
                return
            # Before the adapters: a plain vLLM, which has no list of them, tells it, too.
            self._reads = await self._client.context_tokens() or self._reads
            self._registry.shorten(self._settings.vllm_context_tokens, self._reads)
            try:
                self.offers = await self._client.adapters()
                self._registry.guesses = await self._client.guesses()
                await self._load_wanted(self._client)
                self.problem = ""
            except ModelUnavailable as exc:
                self.problem = str(exc)
                return  # the lanes stay: their breakers know best whether they answer
            self._offer()

    async def set(self, name: str, choice: AdapterChoice, by: str) -> None:
        """Load or unload an adapter and keep that over restarts; what was refused is not kept.

        Raises AdapterRefused with the reason, ModelUnavailable when the server does not answer.
        """
        async with self._lock:
            if self._client is None:
                raise ModelUnavailable(self.problem)
            self.offers = await self._client.adapters()
            known = {offer.name: offer for offer in self.offers}
            if name not in known:
                raise AdapterRefused(f"The vLLM server has no adapter {name[:80]!r} in its registry. Publish it first.")
            if choice.loaded and name in self._registry.ensembles:
                raise AdapterRefused(f"An ensemble has the name {name!r}, too. Give it another one in its file.")
            if choice.loaded != known[name].loaded:
                try:
                    self.offers = await (self._client.load(name) if choice.loaded else self._client.unload(name))
                except (AdapterRefused, ModelUnavailable) as exc:
                    log.warning("adapter %s: loaded=%s was refused, asked by %s: %s", name, choice.loaded, by, exc)
                    raise
            await in_thread(choices.set_adapter, self._engine, name, choice, by)
            log.info("adapter %s: loaded=%s, by %s", name, choice.loaded, by)
            await self._registry.follow(await in_thread(choices.read, self._engine))
            self._offer()

    async def switch(self, model: str, enabled: bool, by: str) -> None:
        """Switch a model on or off for everybody."""
        await in_thread(choices.set_model, self._engine, model, enabled, by)
        log.info("model %s: enabled=%s, by %s", model, enabled, by)
        await self.look()

    async def prefer(self, preset: Preset, by: str) -> None:
        """Set how tokens are chosen where a request does not say."""
        await in_thread(choices.set_preset, self._engine, preset, by)
        log.info("sampling preset: %s, by %s", preset, by)
        await self.look()

    async def counters(self) -> Counters:
        """Return what the vLLM server has guessed since its start. Raises ModelUnavailable without an answer."""
        if self._client is None:
            raise ModelUnavailable(self.problem)
        return await self._client.counters()

    def problem_of(self, name: str) -> str:
        """Return why a wanted adapter is not loaded, "" when nothing is known against it."""
        return self._refused.get(name, "")

    async def _run(self) -> None:
        away = False
        while True:
            try:
                await self.look()
                away = False
            except (SQLAlchemyError, OSError) as exc:
                if not away:  # said once per outage, not every few seconds
                    log.error("what was chosen about models cannot be followed: %s", exc)
                away = True
            await asyncio.sleep(LOOK_EVERY_S)

    async def _load_wanted(self, client: VllmClient) -> None:
        wanted = {name for name, choice in self._registry.choices.adapters.items() if choice.loaded}
        for offer in tuple(self.offers):
            if offer.name not in wanted or offer.loaded:
                self._refused.pop(offer.name, None)
            elif offer.name not in self._refused:  # asking again would be refused again
                try:
                    self.offers = await client.load(offer.name)
                except AdapterRefused as exc:
                    self._refused[offer.name] = str(exc)
                    log.error("a wanted adapter cannot be loaded: %s", exc)

    def _offer(self) -> None:
        names = {offer.name for offer in self.offers if offer.loaded} - set(self._registry.ensembles)
        for name in names - set(self._lanes):
            self._lanes[name] = adapter_lane(self._settings, name, self._data_dir)
        self._lanes = {name: lane for name, lane in self._lanes.items() if name in names}
        self._registry.serve_adapters(self._lanes)
        self._registry.shorten(self._settings.vllm_context_tokens, self._reads)
