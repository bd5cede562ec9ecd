"""`assistant ingest`, against a real server on the data folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assistant.cli.main import app
from assistant.cli.output import Failed


@pytest.fixture
def data_dir(address: str, tmp_path: Path) -> Path:
    return tmp_path


def _ingest(data_dir: Path, *arguments: str) -> Any:
    result = CliRunner().invoke(app, ["--data-dir", str(data_dir), "ingest", *arguments, "--json"])
    if isinstance(result.exception, Failed):
        return str(result.exception)
    assert result.exit_code == 0, (result.output, result.exception)
    return [row["path"] for row in json.loads(result.stdout)["documents"]]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("given")
    (made / "own.txt").write_text("Leave is 25 days.")
    return made


def test_it_takes_no_links_out_of_the_folder(data_dir: Path, folder: Path) -> None:
    (folder / "again.txt").symlink_to(folder / "own.txt")
    (folder / "secrets.txt").symlink_to(data_dir / "secrets.json")
    assert _ingest(data_dir, str(folder), "--collection", "new") == ["again.txt", "own.txt"]


def test_it_does_not_pass_over_readers_that_an_existing_collection_does_not_have(data_dir: Path, folder: Path) -> None:
    assert _ingest(data_dir, str(folder), "--collection", "new") == ["own.txt"]
    refused = _ingest(data_dir, str(folder), "--collection", "new", "--readers", "user:1")
    assert refused == "The collection 'new' is read by everyone; leave out --readers, or choose another."
    assert _ingest(data_dir, str(folder), "--collection", "new", "--readers", "everyone") == ["own.txt"]


def test_it_says_who_reads_what_it_took_in_where_nothing_runs(tmp_path: Path, folder: Path) -> None:
    asked = ["--data-dir", str(tmp_path), "ingest", str(folder), "--collection", "new"]
    ran = subprocess.run([sys.executable, "-m", "assistant", *asked], capture_output=True, text=True, check=True)
    assert "queued" in ran.stdout and "`assistant up`" in ran.stderr and "--wait" in ran.stderr


def test_it_says_nothing_of_it_where_the_assistant_runs(data_dir: Path, folder: Path) -> None:
    result = CliRunner().invoke(app, ["--data-dir", str(data_dir), "ingest", str(folder), "--collection", "new"])
    assert result.exit_code == 0 and "--wait" not in result.stderr
