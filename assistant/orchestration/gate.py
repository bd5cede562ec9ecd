"""The way to the kernel: semantic-kernel takes seconds to import, and nothing but a turn has to wait for it."""

from __future__ import annotations

import asyncio
import importlib
from types import ModuleType
from typing import Literal

from assistant.orchestration import handlebars
from assistant.orchestration.draft import Orchestrator
from assistant.orchestration.errors import KernelUnavailable
from assistant.threads import in_thread

_MODULE = "assistant.orchestration.kernel"


class KernelGate:
    """Loads the kernel in a thread, once; a service of the application."""

    name = "orchestration"

    def __init__(self, warm_up: bool = True) -> None:
        """`warm_up`: begin at start-up, not with the first turn."""
        self._warm_up = warm_up
        self._loading: asyncio.Task[Orchestrator] | None = None

    async def start(self) -> None:
        """Begin to load, and return at once."""
        if self._warm_up:
            self._begin()

    async def stop(self) -> None:
        """Wait for what was begun: an import cannot be stopped half-way."""
        if self._loading is not None:
            await asyncio.wait([self._loading])

    async def ready(self) -> Orchestrator:
        """Return the orchestrator, loaded. Raises KernelUnavailable when semantic-kernel cannot be imported."""
        # Shielded: the first turn to wait may be cancelled while others wait for the same load.
        return await asyncio.shield(self._begin())

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return how far it is, with a sentence for operators."""
        if self._loading is None:
            return "ready", "semantic-kernel is loaded with the first question."
        if not self._loading.done():
            return "starting", "semantic-kernel is being loaded."
        error = self._loading.exception()
        return ("ready", "semantic-kernel is loaded.") if error is None else ("failed", str(error))

    def _begin(self) -> asyncio.Task[Orchestrator]:
        if self._loading is None:
            self._loading = asyncio.create_task(_load(), name="load-kernel")
        return self._loading


def _import() -> ModuleType:
    with handlebars.left_out():
        return importlib.import_module(_MODULE)


async def _load() -> Orchestrator:
    try:
        module = await in_thread(_import)
    except ImportError as exc:
        message = f"semantic-kernel cannot be imported ({exc}). Install the locked packages again."
        raise KernelUnavailable(message) from exc
    orchestrator: Orchestrator = module.KernelOrchestrator()
    return orchestrator
