"""Backup and restore: one ZIP with the database, the files, the skills and the models' registry, all checksummed.

The copy is taken while the server runs: SQLite's own backup interface gives one consistent state of the database,
and files are named by their content, so every file that a row of that state names exists already. Indexes are not
copied; they are derived from the database and build themselves again. Secrets stay behind on purpose: a backup that
leaks then opens no door, and a restored installation makes new ones; those of skills are stored anew by hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import AssistantError

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "assistant.db"
COPIED = ("files", "adapters", "skills")  # folders of the data folder that a backup holds
LOOSE = ("adapters.json", "skills.json")  # without skills.json, skills that were switched off would come back on
# Folders whose files would mix with those that come back: indexes may be ahead of the database that they belong to.
IN_THE_WAY = (*COPIED, "indexes")
BLOCK = 1 << 20


class BackupFailed(AssistantError):
    """The backup was not written, or must not be restored; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup holds."""

    path: Path
    members: int
    size: int  # bytes of the archive
    created_at: float


def write(data_dir: Path, target: Path) -> Summary:
    """Write a backup of `data_dir` to `target`, which appears only when it is complete.

    Raises BackupFailed when there is no database, or the disk does not take the file.
    """
    if not (data_dir / DATABASE).exists():
        raise BackupFailed(f"{data_dir} holds no database ({DATABASE}); with PostgreSQL use pg_dump for the records.")
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            copy = Path(scratch) / DATABASE
            _copy_database(data_dir / DATABASE, copy)
            sources = [(DATABASE, copy), *_members(data_dir)]
            summary = _pack(sources, partial, target)
        partial.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise BackupFailed(f"The backup could not be written to {target}: {error.strerror or error}.") from error
    return summary


def restore(source: Path, data_dir: Path) -> Summary:
    """Bring a backup back into an empty or new `data_dir`; every checksum is verified before anything is kept.

    Raises BackupFailed when the file is damaged, of another format, or `data_dir` is not empty.
    """
    if (data_dir / DATABASE).exists():
        raise BackupFailed(f"{data_dir} already holds a database. Restore into an empty folder: --data-dir NEW.")
    left = next((name for name in IN_THE_WAY if (data_dir / name).exists()), None)
    if left is not None:
        raise BackupFailed(f"{data_dir} still holds the folder {left!r}. Restore into an empty folder: --data-dir NEW.")
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(source) as archive, tempfile.TemporaryDirectory(dir=data_dir.parent) as scratch:
            manifest = _manifest(archive, source)
            for name, digest in manifest["members"].items():
                _unpack(archive, name, digest, Path(scratch))
            _check_database(Path(scratch) / DATABASE)
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The database goes last: a data folder without one is not yet an installation.
            for entry in sorted(Path(scratch).iterdir(), key=lambda path: path.name == DATABASE):
                shutil.move(str(entry), data_dir / entry.name)
    except OSError as error:  # before anything is known of the file itself: it is missing, or the disk does not take it
        said = f"The backup {source} could not be restored to {data_dir}: {error.strerror or error}."
        raise BackupFailed(f"{said} Nothing was restored.") from error
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BackupFailed(f"{source} is not an intact backup: {error}. Nothing was restored.") from error
    return Summary(source, len(manifest["members"]), source.stat().st_size, float(manifest["created_at"]))


def _members(data_dir: Path) -> Iterator[tuple[str, Path]]:
    for folder in COPIED:
        for path in sorted((data_dir / folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(data_dir)), path
    for name in LOOSE:
        if (data_dir / name).exists():
            yield name, data_dir / name


def _copy_database(source: Path, target: Path) -> None:
    reader, writer = sqlite3.connect(f"file:{source}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        reader.backup(writer)
    except sqlite3.Error as error:
        raise BackupFailed(f"The database {source} could not be copied to {target.parent}: {error}.") from error
    finally:
        writer.close()
        reader.close()


def _pack(sources: list[tuple[str, Path]], partial: Path, target: Path) -> Summary:
    digests = {}
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)  # it holds everybody's chats
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in sources:
            with path.open("rb") as handle:
                digests[name] = hashlib.file_digest(handle, "sha256").hexdigest()
            archive.write(path, name)
        created = time.time()
        archive.writestr(MANIFEST, json.dumps({"format": FORMAT, "created_at": created, "members": digests}, indent=1))
    return Summary(target, len(digests), partial.stat().st_size, created)


def _manifest(archive: zipfile.ZipFile, source: Path) -> dict[str, Any]:
    manifest = json.loads(archive.read(MANIFEST))
    if manifest.get("format") != FORMAT:
        raise BackupFailed(
            f"{source} has backup format {manifest.get('format')!r}; this program reads format {FORMAT}."
        )
    surplus = set(archive.namelist()) - set(manifest["members"]) - {MANIFEST}
    if surplus:
        raise BackupFailed(f"{source} holds members that its manifest does not name: {sorted(surplus)[:3]}.")
    return dict(manifest)


def _unpack(archive: zipfile.ZipFile, name: str, digest: str, folder: Path) -> None:
    target = (folder / name).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise BackupFailed(f"The backup names a file outside the data folder: {name!r}. Nothing was restored.")
    target.parent.mkdir(parents=True, exist_ok=True)
    running = hashlib.sha256()
    with archive.open(name) as packed, target.open("wb") as out:
        while block := packed.read(BLOCK):
            running.update(block)
            out.write(block)
    if running.hexdigest() != digest:
        raise BackupFailed(
            f"{name!r} in the backup does not match its checksum; the file was changed. Nothing was restored."
        )


def _check_database(path: Path) -> None:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        raise BackupFailed(f"The backup's database cannot be read: {error}. Nothing was restored.") from error
    finally:
        connection.close()
    if verdict != "ok":
        raise BackupFailed(f"The backup's database is damaged: {verdict}. Nothing was restored.")
