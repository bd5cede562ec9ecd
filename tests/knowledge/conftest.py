"""A database with collections and documents, without ingestion and without a model file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from knowledge import chunks, collections, documents
from knowledge.embed import HashEmbedder, passage_text
from knowledge.indexes import Indexes
from knowledge.search import Search
from knowledge.tables import documents as documents_table
from knowledge.types import Chunk, Collection, Document, Embedder, NewChunk, Scope

ADMIN = Scope(frozenset({"everyone", "user:admin"}), sees_all=True)
HASH = HashEmbedder()


def scope(*principals: str) -> Scope:
    """Return the scope of a signed-in person with these further principals."""
    return Scope(frozenset({"everyone", *principals}))


@pytest.fixture
def everyone(engine: Engine) -> Collection:
    """A collection that each signed-in person may read."""
    return collections.create(engine, "Handbook", "What everyone should know", ["everyone"])


Store = Callable[..., Document]


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


def hold(engine: Engine, document_id: str, owner: str) -> None:
    """Give the document's lease to `owner`, as claiming the job does."""
    with engine.begin() as connection:
        row = documents_table.c.id == document_id
        connection.execute(update(documents_table).where(row).values(status="running", lease_owner=owner))


def chunks_of(engine: Engine, document: Document) -> list[Chunk]:
    """Return all chunks of the document."""
    return chunks.page(engine, ADMIN, document.id, 0, 10_000)[0]


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
