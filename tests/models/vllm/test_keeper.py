"""The keeper over small processes that speak as much HTTP as it asks for."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from assistant.models.vllm.adapters import Adapters
from assistant.models.vllm.fake import FakeVllm
from assistant.models.vllm.keeper import Keeper
from assistant.models.vllm.process import VllmProcess
from assistant.models.vllm.progress import Progress
from assistant.models.vllm.upstream import Upstream

from .conftest import DEPLOYMENT

# Answers every GET with the list of models, as the base model alone; one that is killed leaves its socket behind.
SERVER = """
import http.server, socketserver, sys

class Door(http.server.BaseHTTPRequestHandler):
    def address_string(self): return "-"
    def do_GET(self):
        said = b'{"data": [{"id": "base"}]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

socketserver.UnixStreamServer(sys.argv[1], Door).serve_forever()
"""


@asynccontextmanager
async def kept(
    folder: Path, script: str = SERVER, progress: Progress | None = None, vllm: FakeVllm | None = None
) -> AsyncIterator[tuple[Keeper, Upstream]]:
    """Yield a keeper that runs `script`, which is given the path of its socket; `vllm` answers in its place."""
    socket = folder / "s"
    upstream = Upstream(socket, "inner", httpx.ASGITransport(vllm.application()) if vllm else None)
    command = [sys.executable, "-c", script, str(socket)]
    spawn = partial(VllmProcess, command, dict(os.environ), folder / "vllm.log")
    adapters = Adapters(upstream, DEPLOYMENT, folder)
    keeper = Keeper(spawn, socket, upstream, adapters, progress or Progress(time.monotonic))
    await keeper.start()
    try:
        yield keeper, upstream
    finally:
        await keeper.stop()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.05)


async def test_it_starts_vllm_again_where_one_that_was_killed_has_left_its_socket(tmp_path: Path) -> None:
    async with kept(tmp_path) as (keeper, upstream):
        await until(lambda: (tmp_path / "s").exists())
        first = keeper.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: keeper.pid not in (None, first))
        async with asyncio.timeout(30):
            while await upstream.models() is None:
                await asyncio.sleep(0.05)
        assert keeper.starts == 2
    assert "Address already in use" not in (tmp_path / "vllm.log").read_text()


async def test_it_names_the_log_of_a_process_that_did_not_come_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "assistant.models.vllm.keeper"):
        async with kept(tmp_path, "raise SystemExit(3)") as (keeper, _):
            await until(lambda: keeper.starts > 1)
    assert f"did not come up (status 3); {tmp_path / 'vllm.log'} says why" in caplog.text


SLEEPS = "import time; time.sleep(600)"


async def test_it_starts_a_vllm_again_whose_answers_hold_no_text(tmp_path: Path) -> None:
    progress, vllm = Progress(time.monotonic), FakeVllm()
    vllm.poisoned = True
    async with kept(tmp_path, SLEEPS, progress, vllm) as (keeper, _):
        await until(lambda: keeper.starts == 1)
        for _ in range(3):
            progress.answered(mute=True)
        await until(lambda: keeper.starts == 2)
        assert not progress.mute


async def test_long_answers_in_one_piece_are_no_silence_while_vllm_makes_tokens(tmp_path: Path) -> None:
    now = [0.0]
    progress, vllm = Progress(lambda: now[0]), FakeVllm()
    async with kept(tmp_path, SLEEPS, progress, vllm) as (keeper, _):
        await until(lambda: keeper.starts == 1)
        progress.begins()
        for _ in range(3):
            now[0] += 80.0
            vllm.generated += 9
            await until(lambda: not progress.silent_s())
        assert keeper.starts == 1
        now[0] += 91.0  # and now none comes
        await until(lambda: keeper.starts == 2)


def test_the_launcher_takes_its_private_folder_with_it(tmp_path: Path) -> None:
    (sleeper := tmp_path / "python").write_text("#!/bin/sh\nexec sleep 600\n")
    sleeper.chmod(0o700)
    (tmp_path / "x.yaml").write_text(f"model: {tmp_path}\nserved_name: x\ndevice: cpu\n")
    options = ["--data-dir", tmp_path, "--config", tmp_path / "x.yaml", "--python", sleeper, "--port", "0"]
    command = [sys.executable, "-m", "assistant.models.vllm", *map(str, options)]
    launcher = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)})
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "logs" / "vllm.log").exists() and time.monotonic() < deadline:
            time.sleep(0.1)  # it is there once the process was started
        assert list(tmp_path.glob("inhouse-vllm-*"))
    finally:
        launcher.terminate()
        launcher.wait(60)
    assert not list(tmp_path.glob("inhouse-vllm-*"))
