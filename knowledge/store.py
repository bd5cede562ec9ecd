"""The dense index: the only file that imports chromadb. Derived from SQL, so it can always be made anew.

Chroma runs inside this process, holds nothing but row numbers and vectors, and is asked for nothing else: its filters
and documents are slow, and its server has no authentication and a known remote code execution.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from knowledge.errors import IndexDamaged
from knowledge.index import Entry, Hit
from knowledge.types import Vectors
from knowledge.without_exporter import without_exporter

with without_exporter():
    import chromadb
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateCollectionConfiguration, CreateHNSWConfiguration
    from chromadb.config import Settings
    from chromadb.errors import ChromaError

_NAME = "chunks"
_BATCH = 2_000  # Chroma takes 5,461 at once
# Cosine distance of Chroma and of ours differ by float32 rounding; stored values do not differ at all.
_SAME = 1e-5
# Chroma's own 100 loses up to 2 % of the nearest 10 at 100,000 random vectors; more costs 1 ms a query.
_HNSW = CreateHNSWConfiguration(space="cosine", ef_search=200, ef_construction=128, max_neighbors=16)


class DenseIndex:
    """Vectors by chunk row, nearest first by cosine."""

    def __init__(self, folder: Path) -> None:
        """Open the index in `folder`, or make an empty one there. Raises IndexDamaged if its files do not fit."""
        folder.mkdir(parents=True, exist_ok=True)
        with _translated(folder.name):
            # Said, not left to variables of the environment and a file `.env`, which Chroma reads: nothing is sent.
            settings = Settings(anonymized_telemetry=False, chroma_otel_granularity="none")
            client = chromadb.PersistentClient(str(folder), settings=settings)
            assert isinstance(client, Client)  # it is, and the protocol it is declared as cannot be closed
            self._client = client
            self._chunks = self._client.get_or_create_collection(
                _NAME, configuration=CreateCollectionConfiguration(hnsw=_HNSW), embedding_function=None
            )
        self._folder = folder.name
        self._settle()

    def nearest(self, vector: Vectors, n: int) -> list[Hit]:
        """Return the `n` nearest entries to `vector` (shape (dimension,)), nearest first; fewer if there are fewer."""
        with _translated(self._folder):
            found = self._chunks.query(query_embeddings=vector[np.newaxis], n_results=n, include=["distances"])
        distances = found["distances"]
        if distances is None:
            raise IndexDamaged(f"The dense index {self._folder!r} answered without distances.")
        return [Hit(int(row), 1.0 - distance) for row, distance in zip(found["ids"][0], distances[0], strict=True)]

    def put(self, entries: Sequence[Entry]) -> None:
        """Add the entries, or replace those that are there."""
        for start in range(0, len(entries), _BATCH):
            some = entries[start : start + _BATCH]
            with _translated(self._folder):
                self._chunks.upsert(
                    ids=[str(entry.row) for entry in some], embeddings=np.stack([entry.vector for entry in some])
                )
        self._settle()

    def drop(self, rows: Sequence[int]) -> None:
        """Remove the entries that are there."""
        for start in range(0, len(rows), _BATCH):
            with _translated(self._folder):
                self._chunks.delete(ids=[str(row) for row in rows[start : start + _BATCH]])
        self._settle()

    def rows(self) -> set[int]:
        """Return the rows of all entries."""
        with _translated(self._folder):
            return {int(row) for row in self._chunks.get(include=[])["ids"]}

    def count(self) -> int:
        """Return how many entries there are."""
        with _translated(self._folder):
            return self._chunks.count()

    def wrong(self, entries: Sequence[Entry]) -> list[int]:
        """Return the rows of those `entries` whose vector is not held as given."""
        held = self._held([entry.row for entry in entries])
        bad = []
        for entry in entries:
            vector = held.get(entry.row)
            if vector is None or not np.allclose(vector, entry.vector, atol=_SAME):
                bad.append(entry.row)
        return bad

    def unfound(self, entries: Sequence[Entry]) -> list[int]:
        """Return the rows of those `entries` that a search for their own vector misses."""
        return [entry.row for entry in entries if not self._finds(entry)]

    def close(self) -> None:
        """Write out everything and let go of the files."""
        with _translated(self._folder):
            self._client.close()

    def _settle(self) -> None:
        """Have Chroma take up its log now: it does so, and writes its files, only when the next question comes."""
        with _translated(self._folder):
            found = self._chunks.get(limit=1, include=["embeddings"])["embeddings"]
            if found is not None and len(found):
                self._chunks.query(query_embeddings=np.asarray(found, np.float32), n_results=1, include=[])

    def _finds(self, entry: Entry) -> bool:
        # An equal text elsewhere may come first, so being as near as oneself is enough.
        return any(hit.row == entry.row or hit.score > 1 - _SAME for hit in self.nearest(entry.vector, 3))

    def _held(self, rows: Sequence[int]) -> dict[int, Vectors]:
        held: dict[int, Vectors] = {}
        for start in range(0, len(rows), _BATCH):
            with _translated(self._folder):
                found = self._chunks.get(ids=[str(row) for row in rows[start : start + _BATCH]], include=["embeddings"])
            table = found["embeddings"]
            if table is not None:
                held.update(zip((int(row) for row in found["ids"]), np.asarray(table, np.float32), strict=True))
        return held


@contextmanager
def _translated(folder: str) -> Iterator[None]:
    try:
        yield
    except (ChromaError, sqlite3.Error, OSError, ValueError, RuntimeError) as exc:
        raise IndexDamaged(f"The dense index {folder!r} does not work ({type(exc).__name__}: {exc}).") from exc
    except BaseException as exc:
        # A panic in Chroma's Rust part arrives as a class that cannot be imported and is no Exception.
        if type(exc).__name__ != "PanicException":
            raise
        raise IndexDamaged(f"The dense index {folder!r} broke down ({exc}).") from exc
