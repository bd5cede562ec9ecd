"""What the tests of knowledge build with: callers, a fake embedder, and documents stored without ingestion."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine, update

from knowledge import chunks, documents
from knowledge.embed import HashEmbedder
from knowledge.tables import documents as documents_table
from knowledge.types import Chunk, Collection, Document, Embedder, NewChunk, Scope

ADMIN = Scope(frozenset({"everyone", "user:admin"}), sees_all=True)
HASH = HashEmbedder()

# (collection, path, texts, readers=(), title="", embedder=HASH) -> the stored document
Store = Callable[..., Document]


def scope(*principals: str) -> Scope:
    """Return the scope of a signed-in person with these further principals."""
    return Scope(frozenset({"everyone", *principals}))


def hold(engine: Engine, document_id: str, owner: str) -> None:
    """Give the document's lease to `owner`, as claiming the job does."""
    with engine.begin() as connection:
        row = documents_table.c.id == document_id
        connection.execute(update(documents_table).where(row).values(status="running", lease_owner=owner))


def chunks_of(engine: Engine, document: Document) -> list[Chunk]:
    """Return all chunks of the document."""
    return chunks.page(engine, ADMIN, document.id, 0, 10_000)[0]


def replaced(engine: Engine, document: Document, texts: list[str], owner: str = "w", model: str = "hash") -> None:
    """Store `texts` as the document's chunks."""
    vectors = HASH.embed(texts)
    chunks.replace(engine, document.id, owner, [NewChunk(text) for text in texts], vectors, model, document.title)


def replaced_by(engine: Engine, document: Document, texts: list[str], embedder: Embedder) -> None:
    """Store `texts` as the document's chunks, with the vectors of `embedder`."""
    vectors = embedder.embed(texts)
    chunks.replace(engine, document.id, "w", [NewChunk(text) for text in texts], vectors, embedder.name, document.title)


def store_row(engine: Engine, collection: Collection, path: str) -> Document:
    """Queue a document."""
    return documents.add(engine, collection.id, path, path, "text/plain", 1, "1" * 64, [], "user:ann")
