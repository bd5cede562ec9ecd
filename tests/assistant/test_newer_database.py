"""The command line on a data folder that a newer program wrote."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.database import migrate
from knowledge.database import connect


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    engine = connect(f"sqlite:///{tmp_path}/assistant.db")
    migrate(engine, tmp_path)
    engine.dispose()
    with sqlite3.connect(tmp_path / "assistant.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9001'")
    connection.close()
    return tmp_path


def _assistant(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "assistant", "--data-dir", str(data_dir), *arguments]
    environment = {**os.environ, "COLUMNS": "1000"}  # no line breaks within a sentence
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment, check=False)


def test_the_doctor_finds_it(newer: Path) -> None:
    done = _assistant(newer, "doctor", "--json")
    database = next(one for one in json.loads(done.stdout)["findings"] if one["topic"] == "database")
    assert done.returncode == 1
    assert database["state"] == "fault" and "'9001', which a newer version of this program wrote" in database["detail"]


def test_a_command_that_would_start_a_server_says_why_it_cannot(newer: Path) -> None:
    done = _assistant(newer, "search", "leave", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "The database is at revision '9001', which a newer version of this program wrote." in done.stderr
