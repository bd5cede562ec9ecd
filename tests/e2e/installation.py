"""The installed product on a folder of its own: real processes, the real model, real indexes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

DOCUMENTS = Path(__file__).parent / "documents"
READY_PATIENCE_S = 600.0  # a busy machine merges and loads the weights in minutes


@dataclass(frozen=True)
class Product:
    """A running installation."""

    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]

    @property
    def key(self) -> str:
        return (self.data_dir / "run" / "local.key").read_text().strip()

    def client(self, key: str | None = None) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {key or self.key}"}, timeout=120)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return command(self.data_dir, *arguments)


def command(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one `assistant` command to its end."""
    full = [sys.executable, "-m", "assistant", "--data-dir", str(data_dir), *arguments]
    return subprocess.run(full, capture_output=True, text=True, timeout=300)


def printed(result: subprocess.CompletedProcess[str]) -> Any:
    """Return the one JSON document that a command printed; fails with its stderr when it failed."""
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout)


def start(data_dir: Path) -> Product:
    """Start API and worker, as `assistant up` would without the pages, and wait until they are ready."""
    data_dir.mkdir(parents=True, exist_ok=True)
    log = (data_dir / "e2e.log").open("ab")
    folder = ["--data-dir", str(data_dir)]
    worker = subprocess.Popen([sys.executable, "-m", "assistant.work", *folder], stdout=log, stderr=log)
    server = subprocess.Popen([sys.executable, "-m", "assistant.serve", *folder, "--port", "0"], stdout=log, stderr=log)
    server.worker = worker  # type: ignore[attr-defined]
    deadline = time.monotonic() + READY_PATIENCE_S
    while time.monotonic() < deadline:
        assert server.poll() is None and worker.poll() is None, (data_dir / "e2e.log").read_text()[-3000:]
        try:
            url = json.loads((data_dir / "run" / "server.json").read_text())["url"]
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return Product(url, data_dir, server)
        except (OSError, ValueError, httpx.TransportError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"not ready in {READY_PATIENCE_S} s: " + (data_dir / "e2e.log").read_text()[-3000:])


def stop(product: Product, number: int = signal.SIGTERM) -> None:
    """End API and worker with a signal."""
    for process in (product.process, product.process.worker):  # type: ignore[attr-defined]
        if process.poll() is None:
            os.kill(process.pid, number)
    for process in (product.process, product.process.worker):  # type: ignore[attr-defined]
        process.wait(60)
