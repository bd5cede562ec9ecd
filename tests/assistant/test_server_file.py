"""Commands find the server of a data folder as long as it lives, whatever happens to the clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.server_file import announced, running_server


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def test_a_server_is_found_while_it_runs(data_dir: Path) -> None:
    assert running_server(data_dir) is None
    with announced(data_dir, "http://127.0.0.1:8000"):
        assert running_server(data_dir) == "http://127.0.0.1:8000"
    assert running_server(data_dir) is None


def test_nothing_that_is_kept_depends_on_the_time_of_day(data_dir: Path) -> None:
    with announced(data_dir, "http://127.0.0.1:8000"):
        entry = json.loads((data_dir / "run" / "server.json").read_text())
        # proc_stat(5): the time of day of the boot is what a set clock moves.
        boot = int(Path("/proc/stat").read_text().split("btime ")[1].split()[0])
        assert set(entry) == {"url", "pid", "started"} and entry["started"] < boot


def test_a_server_that_was_killed_is_not_found(data_dir: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from assistant.server_file import announced\n"
        "with announced(Path(sys.argv[1]), 'http://127.0.0.1:8000'): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(data_dir)], check=False).returncode == -9
    assert (data_dir / "run" / "server.json").exists() and running_server(data_dir) is None


def test_another_process_with_the_number_of_the_server_is_not_the_server(data_dir: Path) -> None:
    with announced(data_dir, "http://127.0.0.1:8000"):
        path = data_dir / "run" / "server.json"
        entry = json.loads(path.read_text())
        path.write_text(json.dumps(entry | {"started": entry["started"] - 1}))
        assert running_server(data_dir) is None and entry["pid"] == os.getpid()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"url": "u", "pid": 0, "started": 1}', '{"url": "u", "pid": null}']
)
def test_a_file_that_is_no_announcement_names_no_server(data_dir: Path, content: str) -> None:
    (data_dir / "run" / "server.json").write_text(content)
    assert running_server(data_dir) is None
