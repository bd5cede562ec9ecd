"""`assistant engine`: the local model without the assistant around it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from openai import OpenAI

COMMAND = [sys.executable, "-m", "assistant"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(url: str, key: Path) -> bool:
    try:
        headers = {"Authorization": f"Bearer {key.read_text('utf-8').strip()}"}
        return httpx.get(f"{url}/health", headers=headers, timeout=5).status_code == 200
    except (OSError, httpx.HTTPError):
        return False


@pytest.mark.model
def test_it_answers_whoever_has_its_key_until_it_is_told_to_end(tmp_path: Path) -> None:
    port, key = _free_port(), tmp_path / "run" / "engine.key"
    command = [*COMMAND, "--data-dir", str(tmp_path), "engine", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as engine:
        try:
            url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 300
            while not _healthy(url, key):
                assert engine.poll() is None and time.monotonic() < deadline
                time.sleep(0.2)
            told = OpenAI(base_url=f"{url}/v1", api_key=key.read_text("utf-8").strip()).chat.completions.create(
                model="anything", messages=[{"role": "user", "content": "Say hello."}], max_tokens=8
            )
            assert told.choices[0].message.content
            assert httpx.get(f"{url}/v1/models", timeout=5).status_code == 401
            assert key.stat().st_mode & 0o077 == 0
        finally:
            engine.send_signal(signal.SIGINT)
            said = engine.communicate(timeout=60)[1]
    assert f"ASSISTANT_MODELS__MODEL=http://127.0.0.1:{port}/v1" in said and "Traceback" not in said


def test_a_port_that_is_taken_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "--data-dir", str(tmp_path), "engine", "--port", port], capture_output=True, text=True
        )
    assert done.returncode == 1 and f"Cannot listen on 127.0.0.1:{port}" in done.stderr
    assert not (tmp_path / "models").exists()


def test_there_is_none_where_the_settings_name_a_server(tmp_path: Path) -> None:
    environment = os.environ | {"ASSISTANT_MODELS__MODEL": "http://127.0.0.1:9/v1"}
    command = [*COMMAND, "--data-dir", str(tmp_path), "engine"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1 and "so there is no engine to run" in done.stderr
