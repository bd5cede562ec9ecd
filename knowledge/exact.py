"""The exact scan: every vector in SQL against the question. Slower than an index, never incomplete, never stale.

It answers while the dense index is being made, when a caller may read so little that an index would mostly find what
they may not read, and for chunks that the index has not taken up yet.
"""

from __future__ import annotations

import threading
from collections.abc import Collection as Ids
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, bindparam, select

from knowledge import changes
from knowledge.among import among, listed
from knowledge.chunks import stored_vectors
from knowledge.database import reading
from knowledge.index import Hit
from knowledge.prepared import Prepared
from knowledge.tables import vectors
from knowledge.types import Vectors

_SLICE = 20_000  # rows per statement
_OF_ROWS = Prepared(
    select(vectors.c.chunk_row, vectors.c.vector).where(
        among(vectors.c.chunk_row, "rows"), vectors.c.model == bindparam("model")
    )
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The vectors of some chunks, read before there is a question's vector to compare them with."""

    asked: frozenset[int] = frozenset()  # rows; those that do not exist have no vector here
    rows: tuple[int, ...] = ()
    stored: tuple[bytes, ...] = ()  # one vector for each; how long they are, only a question's vector tells

    def nearest(self, vector: Vectors, n: int) -> list[Hit]:
        """Return the `n` nearest of the chunks, nearest first."""
        if not self.rows:
            return []
        return _best(np.array(self.rows, np.int64), stored_vectors(self.stored, len(vector)) @ vector, n)


class ExactScan:
    """Nearest chunks by comparing with each vector of one embedding model. Safe to share between threads."""

    def __init__(self, engine: Engine, model: str, dimension: int) -> None:
        """Make a scan that holds nothing yet; 100,000 chunks take 150 MB once all have been asked for."""
        self._engine = engine
        self._model = model
        self._dimension = dimension
        self._lock = threading.Lock()
        self._forget()

    def nearest(self, vector: Vectors, n: int) -> list[Hit]:
        """Return the `n` nearest of all chunks, nearest first. Rows that are gone may be among them."""
        with self._lock, reading(self._engine) as connection:
            self._follow(connection)
            rows, table = self._rows, self._table
        return _best(rows, table @ vector, n)

    def nearest_of(self, vector: Vectors, rows: Ids[int], n: int) -> list[Hit]:
        """Return the `n` nearest of those `rows` that exist, nearest first. Takes about 30 ms for 5,000 rows."""
        with reading(self._engine) as connection:
            return self.load(connection, frozenset(rows)).nearest(vector, n)

    def load(self, connection: Connection, rows: frozenset[int]) -> Loaded:
        """Return the vectors of those `rows` that exist."""
        if not rows:
            return Loaded()
        found = self._stored(connection, sorted(rows))
        return Loaded(rows, tuple(found), tuple(found.values()))

    def release(self) -> None:
        """Give back the memory that `nearest` took."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._seq: int | None = None
        self._rows = np.zeros(0, np.int64)
        self._table: Vectors = np.zeros((0, self._dimension), np.float32)

    def _follow(self, connection: Connection) -> None:
        latest = changes.latest(connection)
        if self._seq is not None and changes.oldest(connection) <= self._seq + 1:
            new = changes.after(connection, self._seq, latest - self._seq)
            self._take(connection, sorted({change.row for change in new if change.kind == "add"}))
        else:
            self._forget()
            statement = select(vectors.c.chunk_row).where(vectors.c.model == self._model).order_by(vectors.c.chunk_row)
            self._take(connection, [found.chunk_row for found in connection.execute(statement)])
        self._seq = latest

    def _take(self, connection: Connection, rows: list[int]) -> None:
        if not rows:
            return
        found, table = self._load(connection, rows)
        kept = ~np.isin(self._rows, found)
        self._rows = np.concatenate([self._rows[kept], found])
        self._table = np.concatenate([self._table[kept], table])

    def _load(self, connection: Connection, rows: list[int]) -> tuple[npt.NDArray[np.int64], Vectors]:
        found = self._stored(connection, rows)
        return np.array([*found], np.int64), stored_vectors([*found.values()], self._dimension)

    def _stored(self, connection: Connection, rows: list[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for start in range(0, len(rows), _SLICE):
            given = {"rows": listed(rows[start : start + _SLICE]), "model": self._model}
            found |= dict(_OF_ROWS.rows(connection, given))
        return found


def _best(rows: npt.NDArray[np.int64], scores: npt.NDArray[np.float32], n: int) -> list[Hit]:
    if n < len(scores):
        chosen = np.argpartition(-scores, n - 1)[:n]
    else:
        chosen = np.arange(len(scores))
    order = chosen[np.lexsort((rows[chosen], -scores[chosen]))]
    return [Hit(int(rows[position]), float(scores[position])) for position in order]
