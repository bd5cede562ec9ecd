"""A data folder that nothing can be written to: one sentence from every process and command, no traceback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.data_folder import make_writable
from assistant.errors import DataFolderRefused

SENTENCE = "Cannot write to the data folder"
READ_ONLY = 'mount -t tmpfs none "$1" && mkdir "$1"/logs "$1"/run && mount -o remount,ro "$1" && shift && exec "$@"'
PROGRAMS = [
    ["-m", "assistant.supervise", "--host", "127.0.0.1", "--port", "1", "--ui-port", "2"],
    ["-m", "assistant.serve", "--port", "0"],
    ["-m", "assistant.work"],
    ["-m", "assistant", "ask", "hello"],
]


def _with_folder(program: list[str], data_dir: Path) -> list[str]:
    module, name, *rest = program
    return [sys.executable, module, name, "--data-dir", str(data_dir), *rest]


def _read_only(data_dir: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run `command` where `data_dir` is a file system that is mounted read-only, in a name space of its own."""
    unshare = shutil.which("unshare")
    apart = [str(unshare), "--map-root-user", "--mount"]
    if unshare is None or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("This machine makes no mount name spaces; a read-only file system cannot be shown here.")
    shell = [*apart, "sh", "-c", READ_ONLY, "sh", str(data_dir)]
    return subprocess.run([*shell, *command], capture_output=True, text=True, check=False, timeout=300)


def test_it_makes_what_is_missing_and_keeps_what_is_there(tmp_path: Path) -> None:
    make_writable(tmp_path / "new")
    (tmp_path / "new" / "logs" / "api.log").write_text("kept")
    make_writable(tmp_path / "new")
    assert (tmp_path / "new" / "logs" / "api.log").read_text() == "kept" and (tmp_path / "new" / "run").is_dir()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderRefused, match=f"{SENTENCE} .*{name}.*--data-dir"):
        make_writable(tmp_path / name)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program[1])
def test_every_process_says_so_on_a_read_only_file_system(tmp_path: Path, program: list[str]) -> None:
    done = _read_only(tmp_path, _with_folder(program, tmp_path))
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1 and told.startswith(SENTENCE) and "Traceback" not in told


def test_the_doctor_finds_it(tmp_path: Path) -> None:
    done = _read_only(tmp_path, [*_with_folder(["-m", "assistant", "doctor"], tmp_path), "--json"])
    found = {finding["topic"]: finding["state"] for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1 and found["data folder"] == "fault"


def test_nobody_else_on_the_machine_may_look_into_a_new_one(tmp_path: Path) -> None:
    make_writable(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
