"""The simplest index that can be followed, and a plan that ends its process at any step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from knowledge.errors import IndexDamaged
from knowledge.index import Entry


class Killed(BaseException):
    """The process ended here."""


class Plan:
    """Ends the process before its n-th step."""

    def __init__(self, at: int) -> None:
        """Let `at` steps pass."""
        self.left = at

    def step(self) -> None:
        """Pass, or end."""
        self.left -= 1
        if self.left < 0:
            raise Killed


class PlainIndex:
    """An index in a JSON file, durable after each operation; a plan may end the process before or after each."""

    def __init__(self, folder: Path, plan: Plan | None = None) -> None:
        """Open the index in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._plan = folder / "entries.json", plan
        try:
            self.held: dict[str, str] = json.loads(self._path.read_text()) if self._path.exists() else {}
        except ValueError as exc:
            raise IndexDamaged("The plain index is torn.") from exc

    def put(self, entries: Sequence[Entry]) -> None:
        """Add or replace."""
        self._write({**self.held, **{str(entry.row): entry.text for entry in entries}})

    def drop(self, rows: Sequence[int]) -> None:
        """Remove."""
        self._write({row: text for row, text in self.held.items() if int(row) not in rows})

    def rows(self) -> set[int]:
        """Return all rows."""
        return {int(row) for row in self.held}

    def count(self) -> int:
        """Return how many there are."""
        return len(self.held)

    def wrong(self, entries: Sequence[Entry]) -> list[int]:
        """Return the rows not held as given."""
        return [entry.row for entry in entries if self.held.get(str(entry.row)) != entry.text]

    def unfound(self, entries: Sequence[Entry]) -> list[int]:
        """Return the rows not held as given."""
        return self.wrong(entries)

    def close(self) -> None:
        """Let go."""

    def _write(self, held: dict[str, str]) -> None:
        if self._plan:
            self._plan.step()
        self.held = held
        self._path.write_text(json.dumps(held))
        if self._plan:
            self._plan.step()
