"""`assistant ingest`, against a real server on the data folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assistant.cli import ingest
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


def test_a_name_that_is_nearly_one_opens_nothing_to_everyone(data_dir: Path, folder: Path) -> None:
    given = [str(folder), "--collection"]
    assert _ingest(data_dir, *given, "Board minutes", "--readers", "user:1") == ["own.txt"]
    told = _ingest(data_dir, *given, "Bord minutes")
    assert told == (
        "There is no collection 'Bord minutes', but 'Board minutes'; name that one, or say with --readers who reads a "
        "new one."
    )
    assert _ingest(data_dir, *given, "board minutes") == told.replace("Bord", "board")
    assert _ingest(data_dir, *given, "Bord minutes", "--readers", "user:1") == ["own.txt"]
    for name in ("Reports 2025", "Reports 2026"):
        assert _ingest(data_dir, *given, name) == ["own.txt"]


def test_it_says_who_reads_a_new_collection(data_dir: Path, folder: Path) -> None:
    asked = ["--data-dir", str(data_dir), "ingest", str(folder), "--collection", "[b]new"]
    assert "The collection '[b]new' is new, and is read by everyone." in CliRunner().invoke(app, asked).stderr
    assert "is new" not in CliRunner().invoke(app, asked).stderr


def test_it_says_who_reads_what_it_took_in_where_nothing_runs(tmp_path: Path, folder: Path) -> None:
    asked = ["--data-dir", str(tmp_path), "ingest", str(folder), "--collection", "new"]
    ran = subprocess.run([sys.executable, "-m", "assistant", *asked], capture_output=True, text=True, check=True)
    assert "queued" in ran.stdout and "`assistant up`" in ran.stderr and "--wait" in ran.stderr


def test_it_says_nothing_of_it_where_the_assistant_runs(data_dir: Path, folder: Path) -> None:
    result = CliRunner().invoke(app, ["--data-dir", str(data_dir), "ingest", str(folder), "--collection", "new"])
    assert result.exit_code == 0 and "--wait" not in result.stderr


@pytest.fixture
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders of one name, with different files of one name."""
    made = tmp_path_factory.mktemp("twins")
    for name in ("f1", "f2"):
        (made / name / "docs").mkdir(parents=True)
        (made / name / "docs" / "README.md").write_text(f"Leave is 25 days at {name}.")
    return made / "f1" / "docs", made / "f2" / "docs"


def test_files_of_one_name_in_several_folders_are_all_kept(data_dir: Path, twins: tuple[Path, Path]) -> None:
    one, two = map(str, twins)
    both = ["f1/docs/README.md", "f2/docs/README.md"]
    assert _ingest(data_dir, one, two, "--collection", "Two") == both
    assert _ingest(data_dir, one, two, one, "--collection", "Two") == both  # a folder given twice is one folder
    assert _ingest(data_dir, one, str(twins[1].parent), "--collection", "Two") == [
        "docs/README.md",
        "f2/docs/README.md",
    ]
    assert _ingest(data_dir, one, "--collection", "one") == ["README.md"]


def test_two_files_that_would_get_one_name_are_refused_before_any_is_sent(
    data_dir: Path, twins: tuple[Path, Path]
) -> None:
    one, two = (str(folder / "README.md") for folder in twins)
    refused = _ingest(data_dir, one, two, "--collection", "new")
    assert f"{one} and {two} would both be 'README.md'" in refused
    alone = _ingest(data_dir, one, str(twins[1]), "--collection", "new")
    assert f"{one} and {two} would both be 'README.md'" in alone


def test_files_go_in_requests_of_bounded_size(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "BATCH_BYTES", 100)
    sizes = {"a.txt": 60, "b.txt": 60, "c.txt": 300, "d.txt": 10}
    (tmp_path / "many").mkdir()
    for name, size in sizes.items():
        (tmp_path / "many" / name).write_text("x" * size)
    files = [(tmp_path / "many" / name, name) for name in sizes]
    assert [[name for _, name in batch] for batch in ingest._batches(files)] == [
        ["a.txt"],
        ["b.txt"],
        ["c.txt"],
        ["d.txt"],
    ]
    taken = _ingest(data_dir, str(tmp_path / "many"), "--collection", "new")
    assert set(taken) == set(sizes)


def test_it_says_why_an_address_was_refused(data_dir: Path) -> None:
    asked = ["ingest", "http://127.0.0.1:9999/page", "--collection", "new", "--json"]
    result = CliRunner().invoke(app, ["--data-dir", str(data_dir), *asked])
    assert isinstance(result.exception, Failed)
    (row,) = json.loads(result.stdout)["documents"]
    assert row["status"] == "failed" and "not a public address" in row["reason"]
    assert "ASSISTANT_INGEST__URL_ALLOW" in row["reason"]
