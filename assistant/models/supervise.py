"""One engine process: started with a secret key on a free port, watched by its tokens, gone with its parent."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import TypeAdapter

from assistant.models.openai_http import Endpoint
from assistant.models.types import Guesses

PROBE_TIMEOUT_S = 5.0
# The engine's event loop waits for at most one step, which is a second on a slow machine; this is twenty of them.
HUNG_AFTER_S = 20.0
_GUESSES = TypeAdapter(tuple[Guesses, ...])


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What an engine process serves, and how."""

    weights: Path
    name: str
    adapter: str | None = None
    context_tokens: int = 8192
    running: int = 16
    waiting: int = 32
    speculate: int = 0
    module: str = "assistant.models.local"  # another one speaks the same protocol, as the fake server does

    def command(self, port: int, key_file: Path) -> list[str]:
        """Return the command line of a process that ends when its standard input is closed."""
        options = {
            "--model": self.weights, "--port": port, "--key-file": key_file, "--name": self.name,
            "--context": self.context_tokens, "--running": self.running, "--waiting": self.waiting,
            "--speculate": self.speculate,
        }  # fmt: skip
        flat = [str(part) for option in options.items() for part in option]
        return [sys.executable, "-m", self.module, *flat, "--with-parent"]


@dataclass(frozen=True, slots=True)
class Pulse:
    """What an engine says of itself."""

    jobs: int
    tokens: int
    guesses: tuple[Guesses, ...] = ()


class EngineProcess:
    """A started engine. The parent's end of its standard input is the thread of its life, however the parent dies."""

    def __init__(self, spec: EngineSpec, key_file: Path, log_file: Path) -> None:
        """Start the process; it answers some seconds later. Raises OSError when it cannot be started."""
        self.spec = spec
        self.started = time.monotonic()
        port = _free_port()
        key = key_file.read_text("utf-8").strip()
        self.endpoint = Endpoint(f"http://127.0.0.1:{port}/v1", key, spec.name)
        self._client = httpx.Client(
            timeout=PROBE_TIMEOUT_S, trust_env=False, headers={"Authorization": f"Bearer {key}"}
        )
        self._moved = time.monotonic()  # when it was last seen idle, or with more tokens than before
        self._tokens = -1
        self.guesses: tuple[Guesses, ...] = ()  # as `hung` last saw them
        with log_file.open("ab") as log:
            # A session of its own: Ctrl-C in a terminal reaches the parent alone, which ends this one in order.
            self._process = subprocess.Popen(
                spec.command(port, key_file), stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def status(self) -> int | None:
        """Return the exit status, None while the process runs."""
        return self._process.poll()

    def pulse(self) -> Pulse | None:
        """Return what /health says; None when it does not answer."""
        try:
            answer = self._client.get(self.endpoint.base_url.removesuffix("/v1") + "/health")
            health = answer.raise_for_status().json()
            guesses = _GUESSES.validate_python(health.get("guesses", ()))
            return Pulse(int(health["jobs"]), int(health["tokens"]), guesses)
        except (httpx.HTTPError, ValueError, KeyError):
            return None

    def hung(self) -> bool:
        """Return whether the engine has had work for long, and not one token came of it; call it every few seconds."""
        now, pulse = time.monotonic(), self.pulse()
        if pulse is not None:
            self.guesses = pulse.guesses
        if pulse is not None and (pulse.jobs == 0 or pulse.tokens != self._tokens):
            self._moved, self._tokens = now, pulse.tokens
        return now - self._moved > HUNG_AFTER_S

    def stop(self, grace_s: float = 5.0) -> None:
        """End the process, by force after `grace_s` seconds."""
        self._client.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
