"""The local engine as the product sees it: always one that answers, replaced without a gap when its adapter changes."""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Literal

from assistant.models.errors import ModelError, ModelUnavailable
from assistant.models.openai_http import Endpoint
from assistant.models.supervise import EngineProcess, EngineSpec
from assistant.models.types import Guesses
from assistant.threads import in_thread

START_TIMEOUT_S = 180.0  # loading takes 5 to 10 s, on a busy machine a minute
DRAIN_TIMEOUT_S = 120.0
# Requests that asked for the address just before a change may still be on their way to the old engine.
SETTLE_S = 2.0
PROBE_EVERY_S = 2.0
PAUSES_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # before the n-th start in a row that failed
STEADY_S = 60.0  # an engine that lived this long is not part of a row of failures

log = logging.getLogger(__name__)

State = Literal["ready", "starting", "failed"]


class LocalEngines:
    """Keeps one engine running from `start` to `stop`, in a thread of its own.

    `plan` says what to serve, or raises ModelError, and may take seconds; `fingerprint` is cheap and changes when the
    plan may have.
    A new plan gets a new process beside the old one; the address moves once it is healthy, and the old process ends
    after its last request. A plan that does not come up leaves the old one serving.
    """

    name = "engine"

    def __init__(
        self,
        run_dir: Path,
        log_file: Path,
        plan: Callable[[], EngineSpec],
        fingerprint: Callable[[], Hashable],
    ) -> None:
        """Nothing is started yet. `run_dir` gets the key and engine.json, which tells other processes the port."""
        self._run_dir = run_dir
        self._log_file = log_file
        self._plan = plan
        self._fingerprint = fingerprint
        self._engine: EngineProcess | None = None
        self._draining: list[tuple[EngineProcess, float]] = []  # with the time since which they get no new requests
        self._starts: list[float] = []
        self._problem = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Begin, unless `begin` did; the engine answers some seconds later."""
        self.begin()

    async def stop(self) -> None:
        """End the engine."""
        await in_thread(self.end)

    def begin(self) -> None:
        """Begin without an event loop, so that the engine loads while the server still imports its libraries."""
        if self._thread is not None:
            return
        self._run_dir.mkdir(parents=True, exist_ok=True)
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._run, name="engines", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the engine; waits for it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def locate(self) -> Endpoint:
        """Return where the engine is. Raises ModelUnavailable while there is none."""
        engine = self._engine
        if engine is None:
            raise ModelUnavailable(f"The local model is not ready: {self.state()[1]}")
        return engine.endpoint

    def spec(self) -> EngineSpec | None:
        """Return what is being served, None while nothing is."""
        return self._engine.spec if self._engine else None

    def guesses(self) -> tuple[Guesses, ...]:
        """Return what guessing has brought since this engine started, as told some seconds ago."""
        engine = self._engine
        return engine.guesses if engine else ()

    def state(self) -> tuple[State, str]:
        """Return how it is, with a sentence for operators."""
        spec = self.spec()
        if spec is None:
            return ("failed", self._problem) if self._problem else ("starting", "The local model is being loaded.")
        served = f"{spec.name} with adapter {spec.adapter}" if spec.adapter else spec.name
        return "ready", f"The local engine serves {served}. {self._problem}".strip()

    # Below: the thread.

    def _run(self) -> None:
        try:
            self._tend()
        finally:
            (self._run_dir / "engine.json").unlink(missing_ok=True)
            engine, self._engine = self._engine, None
            for process in [engine, *(old for old, _ in self._draining)]:
                if process is not None:
                    process.stop()

    def _tend(self) -> None:
        tried: Hashable = None  # fingerprint of the plan that was last tried
        probed = 0.0
        while not self._stopping.wait(0.1):
            now, engine = self._fingerprint(), self._engine
            if engine is None or now != tried:
                tried = now
                self._replace()
            elif engine.status() is not None:
                self._let_go(engine, f"ended with status {engine.status()}")
            elif time.monotonic() - probed > PROBE_EVERY_S:
                probed = time.monotonic()
                if engine.hung():
                    self._let_go(engine, "made no token for too long")
            self._draining = [(old, since) for old, since in self._draining if not _drained(old, since)]

    def _let_go(self, engine: EngineProcess, why: str) -> None:
        """Give up an engine; the next round starts another."""
        log.warning("the engine %s; starting another", why)
        self._engine = None
        engine.stop(grace_s=0.5)

    def _replace(self) -> None:
        """Put an engine with the present plan in the place of the present engine, if it comes up."""
        fresh = self._started()
        if fresh is None:
            return
        self._announce(fresh)  # first, so that whoever sees it ready can also find it
        old, self._engine, self._problem = self._engine, fresh, ""
        if old is not None:
            self._draining.append((old, time.monotonic()))

    def _started(self) -> EngineProcess | None:
        if self._engine is None and not self._paused():
            return None
        try:
            engine = EngineProcess(self._plan(), key_file(self._run_dir), self._log_file)
        except (ModelError, OSError) as exc:
            self._problem = str(exc)
            log.error("the engine cannot be started: %s", exc)
            return None
        if self._comes_up(engine):
            return engine
        self._problem = f"The engine did not come up (status {engine.status()}). Its log: {self._log_file}"
        log.error("%s", self._problem)
        engine.stop(grace_s=0.5)
        return None

    def _paused(self) -> bool:
        """Wait the longer the more starts in a row have failed; return whether to go on."""
        now = time.monotonic()
        self._starts = [at for at in self._starts if now - at < STEADY_S + PAUSES_S[-1]][-len(PAUSES_S) :]
        pause_s = PAUSES_S[min(len(self._starts), len(PAUSES_S) - 1)]
        self._starts.append(now)
        return not self._stopping.wait(pause_s)

    def _comes_up(self, engine: EngineProcess) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and not self._stopping.wait(0.1):
            if engine.status() is not None:
                return False
            if engine.pulse() is not None:
                return True
        return False

    def _announce(self, engine: EngineProcess) -> None:
        spec = engine.spec
        what = {"url": engine.endpoint.base_url, "pid": engine.pid, "model": spec.name, "adapter": spec.adapter}
        partial = self._run_dir / "engine.json.partial"
        partial.write_text(json.dumps(what), "utf-8")
        partial.replace(self._run_dir / "engine.json")


def key_file(run_dir: Path) -> Path:
    """Return the file with the engine's key, for its owner alone; it is made when there is none."""
    run_dir.mkdir(parents=True, exist_ok=True)
    path = run_dir / "engine.key"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_urlsafe(32), "utf-8")
        partial.replace(path)
    return path


def _drained(engine: EngineProcess, since: float) -> bool:
    """Return whether an engine that gets no new requests has answered its last one, and end it then."""
    waited_s = time.monotonic() - since
    if waited_s < SETTLE_S:
        return False
    pulse = engine.pulse()
    busy = engine.status() is None and (pulse is None or pulse.jobs > 0)
    if busy and waited_s < DRAIN_TIMEOUT_S:
        return False
    engine.stop()
    return True
