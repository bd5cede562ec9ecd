"""What benchmarks start: engines as they are served, vLLM behind our proxy, and the product in front of an engine."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import yaml

from assistant.models.openai_http import Endpoint
from assistant.models.plan import plan
from assistant.models.settings import ModelSettings
from assistant.models.supervise import EngineProcess
from assistant.models.vllm.launch import key_of
from benchmarks.startup import answers, free_port

CONTEXT = 2048
SERVED = "base"
START_S = 1_200.0


@asynccontextmanager
async def fake(tokens: int, rate: float, port: int | None = None) -> AsyncIterator[Endpoint]:
    """Serve a fake engine: `tokens` in each reply, at `rate` a second; 0: as fast as it can."""
    port = port or free_port()
    command = [sys.executable, "-m", "assistant.models.fake_server", "--port", str(port), "--tokens", str(tokens)]
    process = subprocess.Popen([*command, "--rate", str(rate)], stdout=subprocess.DEVNULL)
    try:
        await _until(process, f"http://127.0.0.1:{port}/health")
        yield Endpoint(f"http://127.0.0.1:{port}/v1")
    finally:
        _end(process)


@asynccontextmanager
async def local(folder: Path, guessed: int = 0) -> AsyncIterator[Endpoint]:
    """Serve the local engine with the shipped adapter in its weights; `guessed` tokens from the prompt a step."""
    key = folder / f"engine-{guessed}.key"  # several may run beside each other
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text(secrets.token_urlsafe(32))
    settings = ModelSettings(context_tokens=CONTEXT, engine_speculate=guessed)
    engine = EngineProcess(plan(folder, settings), key, folder / "engine.log")
    try:
        while engine.pulse() is None:
            if engine.status() is not None:
                sys.exit(f"The local engine did not start: {(folder / 'engine.log').read_text('utf-8')[-500:]}")
            await asyncio.sleep(0.5)
        yield engine.endpoint
    finally:
        engine.stop()


@dataclass(frozen=True, slots=True)
class Vllm:
    """vLLM on a CPU, behind our proxy."""

    endpoint: Endpoint  # the proxy
    process: subprocess.Popen[bytes]

    def direct(self) -> tuple[str, str]:
        """Return vLLM's own socket and key, which only its user can read."""
        (vllm,) = psutil.Process(self.process.pid).children()
        command = vllm.cmdline()
        return command[command.index("--uds") + 1], vllm.environ()["VLLM_API_KEY"]

    def client(self) -> httpx.Client:
        """Return a client of the proxy."""
        url = self.endpoint.base_url.removesuffix("/v1")
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {self.endpoint.api_key}"}, timeout=180)


@asynccontextmanager
async def vllm(folder: Path, python: Path, **deployment: object) -> AsyncIterator[Vllm]:
    """Serve vLLM as `deployment` says, on top of what a small machine needs; the first start unpacks the model."""
    usual = {"served_name": SERVED, "device": "cpu", "context_tokens": CONTEXT, "dtype": "bfloat16", "eager": True}
    config, port = folder / "vllm.yaml", free_port()
    config.write_text(yaml.safe_dump({**usual, "cpu_cache_gib": 1, **deployment}))
    options = ["--data-dir", folder, "--config", config, "--python", python, "--port", port]
    process = subprocess.Popen([sys.executable, "-m", "assistant.models.vllm", *map(str, options)], stdout=sys.stderr)
    try:
        await _until(process, f"http://127.0.0.1:{port}/health")
        yield Vllm(Endpoint(f"http://127.0.0.1:{port}/v1", key_of(folder), SERVED), process)
    finally:
        _end(process)


@asynccontextmanager
async def product(data: Path, engine: Endpoint, **environment: str) -> AsyncIterator[Endpoint]:
    """Serve the API with an engine as its only model."""
    port = free_port()
    own: Mapping[str, str] = {
        "ASSISTANT_MODELS__MODEL": engine.base_url,
        "ASSISTANT_MODELS__MODEL_API_KEY": engine.api_key,
        "ASSISTANT_MODELS__MODEL_NAME": engine.served_name,
        "ASSISTANT_MODELS__CONTEXT_TOKENS": str(CONTEXT),
        "ASSISTANT_SKILLS__BUILTIN": "false",  # no tools are offered, which not every engine takes
        "ASSISTANT_API__MAX_CHATS_PER_USER": "4000",
        "ASSISTANT_API__CHATS_PER_MINUTE_PER_USER": "100000",
    }
    command = [sys.executable, "-m", "assistant.serve", "--data-dir", str(data), "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, **own, **environment}, stderr=subprocess.DEVNULL)
    try:
        await _until(process, f"http://127.0.0.1:{port}/readyz")
        yield Endpoint(f"http://127.0.0.1:{port}/v1", (data / "run" / "local.key").read_text("utf-8").strip())
    finally:
        _end(process)


async def _until(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until a process answers; ends this one when it does not."""
    deadline = time.monotonic() + START_S
    while not await asyncio.to_thread(answers, url):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{' '.join(map(str, process.args[:3]))} did not start.")  # type: ignore[index]  # always a list
        await asyncio.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(60)
