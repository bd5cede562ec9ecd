"""What the database said of rights, remembered for as long as it says that nothing has changed.

Every change of a document, a chunk or a right grows the number of the newest change in its own transaction. A search
reads that number in the transaction in which it uses what is remembered here, so what was taken away is gone at once.
"""

from __future__ import annotations

import threading
from collections.abc import Collection as Ids
from dataclasses import dataclass, field

from sqlalchemy import Connection

from knowledge import access, collections
from knowledge.types import Scope

_MOST = 50_000  # rows in all, about 5 MB; then all are forgotten
_MOST_CALLERS = 1_000

_Key = tuple[Scope, frozenset[str] | None]


@dataclass(slots=True)
class _Known:
    """What was asked for one caller in the same collections."""

    asked: set[int] = field(default_factory=set)  # rows
    readable: set[int] = field(default_factory=set)  # those of them that may be read


class Rights:
    """Rights as of the newest change. Safe to share between threads."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._lock = threading.Lock()
        self._forget(0)

    def allowed_rows(
        self, connection: Connection, latest: int, scope: Scope, collection_ids: frozenset[str] | None, rows: Ids[int]
    ) -> set[int]:
        """Return what `access.allowed_rows` does; `latest` is the newest change that `connection` sees."""
        key = scope, collection_ids
        with self._lock:
            known = self._rows.get(key, _Known()) if self._follows(latest) else _Known()
            readable, missing = known.readable.intersection(rows), set(rows).difference(known.asked)
        if missing:
            found = access.allowed_rows(connection, scope, collection_ids, missing)
            readable |= found
            self._remember(latest, key, missing, found)
        return readable

    def names(
        self, connection: Connection, latest: int, scope: Scope, wanted: tuple[str, ...] | None
    ) -> dict[str, str]:
        """Return what `collections.names` does; `latest` is the newest change that `connection` sees."""
        if wanted is not None:
            return collections.names_seen(connection, scope, wanted)
        with self._lock:
            names = self._names.get(scope) if self._follows(latest) else None
        if names is None:
            names = collections.names_seen(connection, scope, None)
            with self._lock:
                if self._follows(latest) and len(self._names) < _MOST_CALLERS:
                    self._names[scope] = names
        return names

    def _remember(self, latest: int, key: _Key, asked: set[int], readable: set[int]) -> None:
        with self._lock:
            if self._count + len(asked) > _MOST:
                self._forget(self._latest)
            if self._follows(latest):
                known = self._rows.setdefault(key, _Known())
                known.asked |= asked
                known.readable |= readable
                self._count += len(asked)

    def _follows(self, latest: int) -> bool:
        """Return whether what is remembered holds at `latest`, having forgotten what is older than that."""
        if latest > self._latest:
            self._forget(latest)
        return latest == self._latest

    def _forget(self, latest: int) -> None:
        self._latest = latest
        self._count = 0
        self._rows: dict[_Key, _Known] = {}
        self._names: dict[Scope, dict[str, str]] = {}
