"""A database with collections and documents, without ingestion and without a model file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine

from knowledge import chunks, collections, documents
from knowledge.embed import passage_text
from knowledge.indexes import Indexes
from knowledge.search import Search
from knowledge.types import Collection, Document, Embedder, NewChunk, Scope
from tests.knowledge.building import HASH, Store, hold


@pytest.fixture
def everyone(engine: Engine) -> Collection:
    """A collection that each signed-in person may read."""
    return collections.create(engine, "Handbook", "What everyone should know", ["everyone"])


@pytest.fixture
def store(engine: Engine) -> Store:
    """A function that stores a document with chunks, as the ingestion worker does."""

    def stored(
        collection: Collection,
        path: str,
        texts: Sequence[str | NewChunk],
        readers: Sequence[str] = (),
        title: str = "",
        embedder: Embedder = HASH,
    ) -> Document:
        document = documents.add(
            engine, collection.id, title or path, path, "text/plain", 1, "0" * 64, readers, "user:admin"
        )
        new = [text if isinstance(text, NewChunk) else NewChunk(text) for text in texts]
        hold(engine, document.id, "worker")
        vectors = embedder.embed([passage_text(document.title, chunk.heading, chunk.text) for chunk in new])
        chunks.replace(engine, document.id, "worker", new, vectors, embedder.name, document.title)
        found = documents.get(engine, Scope(collection.readers, sees_all=True), document.id)
        assert found is not None
        return found

    return stored


@pytest.fixture
def indexes(engine: Engine, tmp_path: Path) -> Iterator[Indexes]:
    """Both indexes over the database, stepped by the test."""
    made = Indexes(engine, tmp_path / "indexes", HASH.name, HASH.dimension)
    yield made
    made.stop()


@pytest.fixture
def search(engine: Engine, indexes: Indexes) -> Search:
    """A search that keeps abreast only when the test says `indexes.step()`."""
    return Search(engine, indexes, HASH)
