"""What both indexes have in common: they hold entries by chunk row and can say whether they hold them rightly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, select

from knowledge.chunks import stored_vectors
from knowledge.tables import chunks, documents, vectors
from knowledge.types import Vectors


@dataclass(frozen=True, slots=True)
class Entry:
    """A chunk as the indexes need it."""

    row: int
    title: str
    heading: str
    text: str
    vector: Vectors  # shape (dimension,)


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that an index found."""

    row: int
    score: float  # higher is closer; cosine -1..1 (dense) or BM25 0.. (keyword)


class Index(Protocol):
    """An index over chunks, in files of its own. Every method may raise IndexDamaged."""

    def put(self, entries: Sequence[Entry]) -> None:
        """Add the entries, or replace those that are there; durable when it returns."""
        ...

    def drop(self, rows: Sequence[int]) -> None:
        """Remove the entries that are there; durable when it returns."""
        ...

    def rows(self) -> set[int]:
        """Return the rows of all entries."""
        ...

    def count(self) -> int:
        """Return how many entries there are."""
        ...

    def wrong(self, entries: Sequence[Entry]) -> list[int]:
        """Return the rows of those `entries` that are not held, or not as given."""
        ...

    def unfound(self, entries: Sequence[Entry]) -> list[int]:
        """Return the rows of those `entries` that a search for their own content does not find."""
        ...

    def close(self) -> None:
        """Write out everything and let go of the files."""
        ...


def entries(connection: Connection, model: str, rows: Sequence[int]) -> list[Entry]:
    """Return the entries of those `rows` that exist and have a vector by `model`, by row."""
    return _entries(connection, model, chunks.c.row.in_(rows), None)


def entries_after(connection: Connection, model: str, row: int, limit: int) -> list[Entry]:
    """Return the first `limit` entries with a row above `row` and a vector by `model`, by row."""
    return _entries(connection, model, chunks.c.row > row, limit)


def count(connection: Connection, model: str) -> int:
    """Return how many chunks have a vector by `model`: how many entries a complete index has."""
    return connection.execute(select(func.count()).where(vectors.c.model == model)).scalar_one()


def all_rows(connection: Connection, model: str) -> set[int]:
    """Return the rows of all chunks that have a vector by `model`."""
    found = connection.execute(select(vectors.c.chunk_row).where(vectors.c.model == model))
    return {entry.chunk_row for entry in found}


def sample(connection: Connection, model: str, n: int, seed: int) -> list[Entry]:
    """Return up to `n` entries, spread over all rows by `seed`."""
    low, high = connection.execute(
        select(func.min(vectors.c.chunk_row), func.max(vectors.c.chunk_row)).where(vectors.c.model == model)
    ).one()
    if low is None:
        return []
    found: dict[int, Entry] = {}
    for start in np.random.default_rng(seed).integers(low, high + 1, size=n):
        for entry in entries_after(connection, model, int(start) - 1, 1):
            found[entry.row] = entry
    return [found[row] for row in sorted(found)]


def _entries(connection: Connection, model: str, condition: ColumnElement[bool], limit: int | None) -> list[Entry]:
    statement = (
        select(chunks.c.row, documents.c.title, chunks.c.heading, chunks.c.text, vectors.c.vector)
        .join(documents, documents.c.id == chunks.c.document_id)
        .join(vectors, (vectors.c.chunk_row == chunks.c.row) & (vectors.c.model == model))
        .where(condition)
        .order_by(chunks.c.row)
        .limit(limit)
    )
    found = connection.execute(statement).all()
    if not found:
        return []
    table = stored_vectors([entry.vector for entry in found], len(found[0].vector) // 2)
    return [Entry(e.row, e.title, e.heading, e.text, vector) for e, vector in zip(found, table, strict=True)]
