"""The README's first command, word for word: an empty home, a fresh copy, and a page that opens."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.model, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv*", "var", "__pycache__", "*.egg-info", ".mypy_cache", ".ruff_cache")
MOST_BYTES = 1_200_000_000  # of the environment, the language model's package included
PATIENCE_S = 600.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_make_run_opens_a_page_and_makes_an_administrator(tmp_path: Path) -> None:
    copy, home = tmp_path / "inhouse", tmp_path / "home"
    shutil.copytree(ROOT, copy, ignore=LEFT_BEHIND)
    home.mkdir()
    api, page = free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ASSISTANT_", "VIRTUAL"))}
    environment |= {"HOME": str(home), "ASSISTANT_PORT": str(api), "ASSISTANT_UI_PORT": str(page)}
    log = tmp_path / "make.log"
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            ["make", "run"], cwd=copy, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        while "language model answers now" not in (said := log.read_text()):
            assert process.poll() is None and time.monotonic() - began < PATIENCE_S, said[-3000:]
            time.sleep(0.5)
        link = re.search(rf"http://127\.0\.0\.1:{page}/\?setup=(\S+)", said)
        assert link, said
        assert httpx.get(f"http://127.0.0.1:{page}/", follow_redirects=True).status_code == 200
        account = {"token": link[1], "name": "ada", "password": "a long pass phrase"}
        made = httpx.post(f"http://127.0.0.1:{api}/api/setup", json=account)
        assert made.status_code in (200, 201) and made.json()["user"]["is_admin"]
        packages = copy / ".venv" / "lib"
        assert not list(packages.glob("*/site-packages/torch"))
        size = sum(file.lstat().st_size for file in (copy / ".venv").rglob("*") if not file.is_dir())
        assert size <= MOST_BYTES, f"{size / 1e6:.0f} MB"
        print(f"from `make run` to an answering model: {time.monotonic() - began:.0f} s; {size / 1e6:.0f} MB")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
