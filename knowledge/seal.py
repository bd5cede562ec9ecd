"""What an index folder says about itself, so that torn, swapped or vanished files are noticed before they answer."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from knowledge.errors import FolderInUse

_FORMAT = 1  # to be raised when what is put into an index changes, so that older ones are made anew
_SLOTS = 16

Stamp = dict[str, tuple[int, int, int]]  # file -> size, time of the last change in ns, inode


@dataclass(frozen=True, slots=True)
class State:
    """The content of state.json."""

    model: str
    database: str  # identity of the database that the index was made from
    generation: int  # number of the folder that holds the index
    seq: int  # every change up to this one is in the index
    sealed: dict[str, str] | None = None  # SHA-256 by file, when the index was closed in good order
    opening: bool = False  # still set when the process died while opening files it had no reason to trust
    format: int = _FORMAT


def read_state(folder: Path) -> State | None:
    """Return what `folder` says about its index; None if it says nothing that can be read."""
    try:
        state = State(**json.loads((folder / "state.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return state if state.format == _FORMAT else None


def write_state(folder: Path, state: State) -> None:
    """Write state.json so that a crash leaves either the old or the new one."""
    partial = folder / "state.json.new"
    with partial.open("w", encoding="utf-8") as file:
        json.dump(asdict(state), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / "state.json")


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below `folder`. Takes about 1 s for 500 MB."""
    found = {}
    for path in _files(folder):
        with path.open("rb") as file:
            found[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def stamp(folder: Path) -> Stamp:
    """Return size, time and inode of each file below `folder`: what another program's writing would change."""
    found = {}
    for path in _files(folder):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # a temporary file of the index
        found[str(path.relative_to(folder))] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return found


class Claim:
    """The right to use one index folder, held until released or the process ends."""

    def __init__(self, folder: Path) -> None:
        """Claim `folder`, or `folder.2`, `folder.3`, ... when other processes hold those before.

        Raises FolderInUse if 16 processes are there already.
        """
        for slot in range(1, _SLOTS + 1):
            self.folder = folder if slot == 1 else folder.with_name(f"{folder.name}.{slot}")
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._file)
                continue
            return
        raise FolderInUse(f"{_SLOTS} processes use indexes beside {folder} already; stop one of them.")

    def release(self) -> None:
        """Give the folder back."""
        os.close(self._file)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))
