"""Backup and restore: what goes in comes back, and nothing damaged is let in."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from assistant import backup
from skills.state import StateFile


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "files" / "ab").mkdir(parents=True)
    (folder / "files" / "ab" / "abcd").write_bytes(b"a document")
    for name in ("secrets.json", "skill_secrets.json"):
        (folder / name).write_text('{"key": "do not copy me"}')
    connection = sqlite3.connect(folder / "assistant.db")
    connection.execute("CREATE TABLE notes (text TEXT)")
    connection.execute("INSERT INTO notes VALUES ('kept')")
    connection.commit()
    connection.close()
    return folder


def _rewrite(source: Path, target: Path, change: dict[str, bytes]) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in dict.fromkeys([*old.namelist(), *change]):
            new.writestr(name, change.get(name, old.read(name) if name in old.namelist() else b""))


def test_it_brings_back_records_and_files(data_dir: Path, tmp_path: Path) -> None:
    backup.write(data_dir, tmp_path / "b.zip")
    backup.restore(tmp_path / "b.zip", tmp_path / "new")
    assert sqlite3.connect(tmp_path / "new" / "assistant.db").execute("SELECT text FROM notes").fetchone() == ("kept",)
    assert (tmp_path / "new" / "files" / "ab" / "abcd").read_bytes() == b"a document"


def test_it_keeps_added_skills_and_what_was_decided_about_skills(data_dir: Path, tmp_path: Path) -> None:
    (data_dir / "skills" / "tone").mkdir(parents=True)
    (data_dir / "skills" / "tone" / "SKILL.md").write_text("---\nname: tone\n---\nBe kind.")
    StateFile(data_dir / "skills.json").change(
        lambda kept: kept.model_copy(update={"disabled": frozenset({"pay"}), "rules": {"mail": "deny"}})
    )
    backup.write(data_dir, tmp_path / "b.zip")
    backup.restore(tmp_path / "b.zip", tmp_path / "new")
    assert (tmp_path / "new" / "skills" / "tone" / "SKILL.md").read_text().endswith("Be kind.")
    kept = StateFile(tmp_path / "new" / "skills.json").now()
    assert kept.disabled == {"pay"} and kept.rules == {"mail": "deny"}


def test_it_leaves_secrets_behind(data_dir: Path, tmp_path: Path) -> None:
    backup.write(data_dir, tmp_path / "b.zip")
    assert b"do not copy me" not in (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert not [name for name in archive.namelist() if "secret" in name or "key" in name]


def test_it_copies_a_database_that_is_being_written(data_dir: Path, tmp_path: Path) -> None:
    writer = sqlite3.connect(data_dir / "assistant.db")
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("INSERT INTO notes VALUES ('committed')")
    writer.commit()
    writer.execute("INSERT INTO notes VALUES ('not committed')")
    backup.write(data_dir, tmp_path / "b.zip")
    backup.restore(tmp_path / "b.zip", tmp_path / "new")
    rows = sqlite3.connect(tmp_path / "new" / "assistant.db").execute("SELECT text FROM notes").fetchall()
    assert rows == [("kept",), ("committed",)]


@pytest.mark.parametrize("member", ["files/ab/abcd", "assistant.db"])
def test_it_refuses_a_member_that_was_changed(data_dir: Path, tmp_path: Path, member: str) -> None:
    backup.write(data_dir, tmp_path / "b.zip")
    _rewrite(tmp_path / "b.zip", tmp_path / "bad.zip", {member: b"something else"})
    with pytest.raises(backup.BackupFailed, match="does not match its checksum"):
        backup.restore(tmp_path / "bad.zip", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_it_refuses_a_member_that_climbs_out(data_dir: Path, tmp_path: Path) -> None:
    backup.write(data_dir, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        manifest = json.loads(archive.read(backup.MANIFEST))
    manifest["members"]["../evil"] = "0" * 64
    _rewrite(
        tmp_path / "b.zip", tmp_path / "bad.zip", {backup.MANIFEST: json.dumps(manifest).encode(), "../evil": b"x"}
    )
    with pytest.raises(backup.BackupFailed, match="outside the data folder"):
        backup.restore(tmp_path / "bad.zip", tmp_path / "new")
    assert not (tmp_path / "evil").exists()


def test_it_refuses_a_truncated_file(data_dir: Path, tmp_path: Path) -> None:
    backup.write(data_dir, tmp_path / "b.zip")
    whole = (tmp_path / "b.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(backup.BackupFailed, match="not an intact backup"):
        backup.restore(tmp_path / "cut.zip", tmp_path / "new")


def test_it_refuses_to_restore_over_an_installation(data_dir: Path, tmp_path: Path) -> None:
    backup.write(data_dir, tmp_path / "b.zip")
    with pytest.raises(backup.BackupFailed, match="already holds a database"):
        backup.restore(tmp_path / "b.zip", data_dir)


@pytest.mark.parametrize("folder", ["files", "adapters", "skills", "indexes"])
def test_it_mixes_nothing_with_what_a_lost_database_left(data_dir: Path, tmp_path: Path, folder: str) -> None:
    backup.write(data_dir, tmp_path / "b.zip")
    (tmp_path / "new" / folder).mkdir(parents=True)
    with pytest.raises(backup.BackupFailed, match=f"still holds the folder '{folder}'"):
        backup.restore(tmp_path / "b.zip", tmp_path / "new")
    assert not (tmp_path / "new" / "assistant.db").exists()


def test_it_leaves_no_half_file_when_the_disk_refuses(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")
    with pytest.raises(backup.BackupFailed, match="could not be written"):
        backup.write(data_dir, tmp_path / "blocked" / "b.zip")


def test_it_says_when_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(backup.BackupFailed, match="holds no database"):
        backup.write(tmp_path, tmp_path / "b.zip")


def test_a_backup_that_is_not_there_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(backup.BackupFailed, match="could not be restored to .*: No such file or directory"):
        backup.restore(tmp_path / "nowhere.zip", tmp_path / "new")


def test_nobody_else_on_the_machine_may_read_it(data_dir: Path, tmp_path: Path) -> None:
    backup.write(data_dir, tmp_path / "b.zip")
    backup.restore(tmp_path / "b.zip", tmp_path / "new")
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
