"""Keeps one vLLM server running: started, watched by its tokens, started again with the adapters it had."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from assistant.models.vllm.adapters import Adapters
from assistant.models.vllm.process import VllmProcess
from assistant.models.vllm.progress import Progress
from assistant.models.vllm.upstream import Upstream
from assistant.threads import in_thread

START_TIMEOUT_S = 3_600.0  # a large model is read for minutes, and compiled for some more
HUNG_S = 90.0
COUNT_AFTER_S = 10.0  # of silence; then vLLM's own count of tokens is asked for, and not for every token
LOOK_EVERY_S = 1.0
PAUSES_S = (0.0, 2.0, 10.0, 30.0, 60.0)  # before the n-th start in a row that failed

log = logging.getLogger(__name__)


class Keeper:
    """Runs from `start` to `stop`, on the event loop."""

    def __init__(
        self,
        spawn: Callable[[], VllmProcess],
        socket: Path,
        upstream: Upstream,
        adapters: Adapters,
        progress: Progress,
    ) -> None:
        """`spawn` starts a process that listens on `socket`; nothing runs yet."""
        self._spawn = spawn
        self._socket = socket
        self._upstream = upstream
        self._adapters = adapters
        self._progress = progress
        self._process: VllmProcess | None = None
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Return the process id of vLLM, None while there is no process."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Begin; vLLM answers a minute or more later."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End vLLM."""
        self._stop.set()
        if self._task is not None:
            await self._task
        await self._upstream.close()

    async def _run(self) -> None:
        failed = 0
        while not self._stop.is_set():
            await self._pause(PAUSES_S[min(failed, len(PAUSES_S) - 1)])
            if self._stop.is_set():
                return
            # A process that was killed leaves its socket behind, and the next one finds the address in use.
            self._socket.unlink(missing_ok=True)
            process = self._process = self._spawn()  # here, not in a thread: it ends when its starter's thread does
            self.starts += 1
            self._adapters.broken = ""
            self._progress.answered(mute=False)
            try:
                failed = 0 if await self._lived(process) else failed + 1
            finally:
                self._process = None
                await in_thread(process.stop)

    async def _lived(self, process: VllmProcess) -> bool:
        """Watch a process until it ends or hangs; return whether it ever answered."""
        if not await self._comes_up(process):
            if not self._stop.is_set():
                log.error("vLLM did not come up (status %s); %s says why", process.status(), process.log_file)
            return False
        log.info("vLLM answers")
        await self._adapters.restore()
        while not self._stop.is_set():
            await self._pause(LOOK_EVERY_S)
            if process.status() is not None:
                log.error("vLLM ended with status %s; starting it again", process.status())
                return True
            if wrong := await self._wrong():
                log.error("%s; starting vLLM again", wrong)
                return True
        return True

    async def _wrong(self) -> str:
        """Return why a process that runs must be started again, "" when it need not be."""
        if self._progress.silent_s() > COUNT_AFTER_S:
            self._progress.counted(await self._upstream.generated())
        if self._progress.silent_s() > HUNG_S:
            return f"vLLM made no token for {HUNG_S:g} s"
        # Asking the base model first does not tell: NaN sits in parts of the cache that a plain question may miss.
        # An adapter that alone is silent does this once: it does not come back after the start.
        if self._progress.mute:
            return "vLLM's last answers hold no text"
        return self._adapters.broken

    async def _comes_up(self, process: VllmProcess) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and not self._stop.is_set() and process.status() is None:
            if await self._upstream.models() is not None:
                return True
            await self._pause(LOOK_EVERY_S)
        return False

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return
