"""The real vLLM server on a CPU, behind our launcher, as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from assistant.models.vllm.client import KEY_FILE

ROOT = Path(__file__).parents[3]
# Kept between runs and ignored by git: making it anew takes minutes.
ENVIRONMENT = ROOT / ".venv-vllm"
CPU_TRIAL = ROOT / "deploy" / "vllm" / "cpu-trial.yaml"
INSTALL_S = 1_200.0
START_S = 900.0


@dataclass
class Served:
    """The running launcher."""

    process: subprocess.Popen[bytes]
    url: str
    key: str
    data_dir: Path

    def client(self) -> httpx.Client:
        """Return a client with the key."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=180)

    def vllm(self) -> psutil.Process:
        """Return vLLM's own process."""
        (child,) = psutil.Process(self.process.pid).children()
        return child

    def kill_vllm(self) -> None:
        """Pull the plug: vLLM and its workers are gone at once."""
        os.killpg(self.vllm().pid, signal.SIGKILL)


def installed() -> Path:
    """Return the Python of the environment with vLLM; makes it when it is not there, or not the present one."""
    script = ROOT / "deploy" / "vllm" / "environment.py"
    subprocess.run([sys.executable, str(script), str(ENVIRONMENT)], check=True, timeout=INSTALL_S)
    return ENVIRONMENT / "bin" / "python"


@contextmanager
def served(data_dir: Path, deployment: Path = CPU_TRIAL) -> Iterator[Served]:
    """Yield the server of a deployment once it answers."""
    python = installed()
    unpacked = ENVIRONMENT / "models"  # the base model as safetensors, kept beside the environment
    unpacked.mkdir(exist_ok=True)
    (data_dir / "models").symlink_to(unpacked)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--data-dir", data_dir, "--config", deployment]
    command = [sys.executable, "-m", "assistant.models.vllm", *options, "--python", python, "--port", port]
    process = subprocess.Popen([str(part) for part in command], cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, url, data_dir)
        yield Served(process, url, (data_dir / KEY_FILE).read_text("utf-8"), data_dir)
    finally:
        process.terminate()
        process.wait(60)


def _wait(process: subprocess.Popen[bytes], url: str, data_dir: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(1.0)
    log = data_dir / "logs" / "vllm.log"
    end = log.read_text("utf-8", "replace")[-4000:] if log.exists() else "no log"
    raise AssertionError(f"vLLM did not answer within {START_S:g} s: {end}")
