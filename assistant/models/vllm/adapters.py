"""The adapters of one vLLM server: loaded and unloaded by name, after every check, while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.models.errors import AdapterRefused, ModelError, ModelUnavailable
from assistant.models.vllm.body import Served, spared
from assistant.models.vllm.catalogue import folder_of, offered
from assistant.models.vllm.deployment import Deployment
from assistant.models.vllm.preflight import check
from assistant.models.vllm.smoke import NAN, fault
from assistant.models.vllm.upstream import Upstream
from assistant.threads import in_thread

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """An adapter of the registry as this server sees it."""

    name: str
    loaded: bool
    rank: int | None  # None when it cannot be served
    problem: str  # why it cannot be served, "" when it can


class Adapters:
    """Loads and unloads. One at a time: vLLM's own bookkeeping is not made for races."""

    def __init__(self, upstream: Upstream, deployment: Deployment, data_dir: Path) -> None:
        """Nothing is loaded yet."""
        self._upstream = upstream
        self._deployment = deployment
        self._data_dir = data_dir
        self._lock = asyncio.Lock()
        self.loaded: frozenset[str] = frozenset()
        self.broken = ""  # why vLLM must be started anew; "" while it need not be

    @property
    def served(self) -> Served:
        """Return what a request may ask for; an answer is at most half as long as the context."""
        base = self._deployment.served_name
        tools = bool(self._deployment.tool_parser)
        left_out = spared(self._deployment.speculation is not None, self._deployment.device == "cpu")
        return Served(base, self.loaded | {base}, self._deployment.context_tokens // 2, tools, left_out)

    async def offers(self) -> Sequence[Offer]:
        """Return every adapter of the registry with what stands in its way. Raises AdapterRefused for a damaged one.

        Raises ModelUnavailable while vLLM does not answer: then nothing is loaded, whatever it had.
        """
        held = await self._running()
        return await in_thread(self._offers, self.loaded & held)

    async def load(self, name: str) -> None:
        """Check an adapter, load it and have it say something; loading a loaded one changes nothing.

        Raises AdapterRefused with the reason, ModelUnavailable when vLLM does not answer; what was loaded stays.
        An adapter that leaves vLLM unable to answer sets `broken`.
        """
        async with self._lock:
            if name in self.loaded:
                await self._running()
                return
            folder = await in_thread(folder_of, self._data_dir, name)
            await in_thread(check, folder, self._deployment)
            most = self._deployment.lora.loaded if self._deployment.lora else 0
            if len(self.loaded) >= most:
                raise AdapterRefused(f"{most} adapters are loaded already; unload one before {name!r}.")
            await self._upstream.load(name, folder)
            try:
                wrong = await fault(self._upstream, name)
            except ModelUnavailable:
                with contextlib.suppress(ModelError):
                    await self._upstream.unload(name)
                raise
            if wrong:
                await self._withdraw(name, wrong)
            self.loaded |= {name}

    async def unload(self, name: str) -> None:
        """Unload an adapter. Raises AdapterRefused when it is not loaded."""
        async with self._lock:
            if name not in self.loaded:
                raise AdapterRefused(f"The adapter {name[:80]!r} is not loaded.")
            self.loaded -= {name}  # first: no new request may name what is going
            await self._upstream.unload(name)

    async def restore(self) -> None:
        """Load again what was loaded before vLLM was started anew; one that is refused now is left out."""
        async with self._lock:
            before = self.loaded
            # vLLM answers before this runs, so one may have been loaded into it already; a second time is refused.
            self.loaded = before & (await self._upstream.models() or frozenset())
        for name in sorted(before - self.loaded):
            try:
                await self.load(name)
            except ModelError as exc:
                log.error("an adapter could not be loaded again: %s", exc)

    async def _running(self) -> frozenset[str]:
        """Return what vLLM serves now: right after a start less than what was `loaded`, until that is restored."""
        if (held := await self._upstream.models()) is None:
            raise ModelUnavailable("vLLM does not run. It is being started, and gets the adapters that it had.")
        return held

    async def _withdraw(self, name: str, wrong: str) -> None:
        """Unload an adapter that cannot answer, and see whether the base model still can. Raises AdapterRefused."""
        base, lost = self._deployment.served_name, wrong if wrong == NAN else ""
        with contextlib.suppress(ModelError):  # a vLLM that has ended has nothing loaded, and the keeper sees it
            await self._upstream.unload(name)
            lost = lost or await fault(self._upstream, base)
        if lost:
            self.broken = f"Since the adapter {name!r} was tried, {base!r} cannot answer: {lost}"
        then = "; vLLM is started again, for what it did stays in its memory" if lost else ""
        raise AdapterRefused(f"With the adapter {name!r} vLLM cannot answer: {wrong}{then}.")

    def _offers(self, held: frozenset[str]) -> list[Offer]:
        return [self._offer(name, folder, name in held) for name, folder in offered(self._data_dir).items()]

    def _offer(self, name: str, folder: Path, held: bool) -> Offer:
        try:
            return Offer(name, held, check(folder, self._deployment).r, "")
        except AdapterRefused as exc:
            return Offer(name, held, None, str(exc))
