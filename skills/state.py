"""What administrators decided about skills, in one small JSON file: disabled, rules, readers, pinned descriptions."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from skills.guard import Rule


class Decisions(BaseModel):
    """The decisions, by name of the skill or of the source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    disabled: frozenset[str] = frozenset()  # skills
    rules: dict[str, Rule] = {}  # by skill
    readers: dict[str, frozenset[str]] = {}  # by skill: principals
    pins: dict[str, dict[str, str]] = {}  # by MCP server: approved hash by tool


class StateFile:
    """Reads the decisions as they are now, and changes them atomically; several processes may do so."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._read = Decisions()

    def now(self) -> Decisions:
        """Return the decisions; a file that does not exist is one without any."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return Decisions()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._stamp:
            self._read = Decisions.model_validate_json(self._path.read_bytes())
            self._stamp = stamp
        return self._read

    def change(self, edit: Callable[[Decisions], Decisions]) -> Decisions:
        """Replace the decisions by what `edit` makes of them, under a lock; returns the new ones."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            changed = edit(self.now())
            write_whole(self._path, changed.model_dump_json(indent=1).encode(), 0o644)
        return changed


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file so that a reader, or a power cut, sees the old content or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
