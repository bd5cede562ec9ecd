"""Chunks and their vectors: written by one transaction per document, read only through a scope."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection as Ids
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, delete, func, insert, select, update

from knowledge import changes
from knowledge.access import document_readable
from knowledge.database import now, reading
from knowledge.errors import InvalidValue, LeaseLost
from knowledge.tables import chunks, collections, documents, vectors
from knowledge.types import Chunk, NewChunk, PageBreak, Scope, Vectors

_SLICE = 5_000  # rows per statement; SQLite takes 32,766 parameters


def replace(
    engine: Engine,
    document_id: str,
    lease_owner: str,
    new: Sequence[NewChunk],
    embedded: Vectors,
    model: str,
    title: str,
) -> None:
    """Make `new` the chunks of the document, its status "ready" and its title `title`, in one transaction.

    `embedded` has one row per chunk, made by the embedding model `model`. Searches see either the old chunks or the
    new ones. A chunk that is the same as before keeps its id, and stays disabled if it was.

    Raises LeaseLost, having changed nothing, unless `lease_owner` holds the document and nobody cancelled it: so a
    document is stored once however often it was tried. Raises InvalidValue if the vectors do not fit the chunks.
    """
    if embedded.ndim != 2 or len(embedded) != len(new) or not np.isfinite(embedded).all():
        raise InvalidValue(f"Got vectors of shape {embedded.shape} for {len(new)} chunks; each needs a finite one.")
    with engine.begin() as connection:
        held = _held(connection, document_id, lease_owner)
        old = dict(_ids_and_rows(connection, document_id))
        wanted = {chunk_id(document_id, n, chunk): (n, chunk) for n, chunk in enumerate(new)}
        gone = [row for identifier, row in old.items() if identifier not in wanted]
        _remove(connection, gone)
        fresh = {identifier: place for identifier, place in wanted.items() if identifier not in old}
        rows = _insert(connection, held, fresh) | {i: row for i, row in old.items() if i in wanted}
        _update_kept(connection, {old[i]: wanted[i][1] for i in wanted if i in old})
        _store_vectors(connection, [rows[identifier] for identifier in wanted], embedded, model)
        changes.append(connection, "add", sorted(rows.values()))
        changes.append(connection, "touch")
        connection.execute(update(documents).where(documents.c.id == document_id).values(_done(connection, title, new)))


def chunk_id(document_id: str, n: int, chunk: NewChunk) -> str:
    """Return the id of `chunk` at position `n` of the document: 32 hex digits."""
    parts = (document_id, str(n), chunk.heading, chunk.text)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def read(engine: Engine, scope: Scope, ids: Ids[str]) -> list[Chunk]:
    """Return those of the chunks `ids` that exist and `scope` may read, in the order of their documents and pages."""
    return _chunks(engine, _readable(scope, chunks.c.id.in_(sorted(ids))))


def page(engine: Engine, scope: Scope, document_id: str, offset: int, limit: int) -> tuple[list[Chunk], int]:
    """Return up to `limit` chunks of the document from number `offset`, and how many it has; ([], 0) if unreadable."""
    mine = chunks.c.document_id == document_id
    counted = _readable(scope, mine).with_only_columns(func.count()).order_by(None)
    with reading(engine) as connection:
        total = connection.execute(counted).scalar_one()
    return _chunks(engine, _readable(scope, mine).offset(offset).limit(limit)), total


def around(engine: Engine, scope: Scope, identifier: str, n: int = 1) -> list[Chunk]:
    """Return the chunk with up to `n` before and after it in its document; empty if `scope` may not read it."""
    found = read(engine, scope, [identifier])
    if not found:
        return []
    near = chunks.c.n.between(found[0].n - n, found[0].n + n)
    return _chunks(engine, _readable(scope, chunks.c.document_id == found[0].document_id, near))


def set_enabled(engine: Engine, scope: Scope, identifier: str, enabled: bool) -> Chunk | None:
    """Let searches return the chunk, or not, from now on; None if there is none that `scope` may read."""
    if not read(engine, scope, [identifier]):
        return None
    with engine.begin() as connection:
        connection.execute(update(chunks).where(chunks.c.id == identifier).values(enabled=int(enabled)))
        changes.append(connection, "touch")
    found = read(engine, scope, [identifier])
    return found[0] if found else None


def vector_bytes(vector: Vectors) -> bytes:
    """Return one vector as it is stored: float16, little endian."""
    return vector.astype("<f2").tobytes()


def stored_vectors(blobs: Sequence[bytes], dimension: int) -> Vectors:
    """Return stored vectors as rows of unit length, shape (len(blobs), dimension), float32."""
    table = np.frombuffer(b"".join(blobs), dtype="<f2").reshape(len(blobs), dimension).astype(np.float32)
    norms = np.linalg.norm(table, axis=1, keepdims=True).astype(np.float32)
    unit: Vectors = table / np.maximum(norms, np.float32(1e-12))
    return unit


def page_breaks(stored: str) -> tuple[PageBreak, ...]:
    """Return page breaks as they were before they were stored."""
    return tuple(PageBreak(*each) for each in json.loads(stored)) if stored else ()


def _page_breaks_json(chunk: NewChunk) -> str:
    return json.dumps(chunk.page_breaks) if chunk.page_breaks else ""


def _readable(scope: Scope, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(chunks)
        .join(documents, documents.c.id == chunks.c.document_id)
        .join(collections, collections.c.id == documents.c.collection_id)
        .where(*conditions, document_readable(scope))
        .order_by(chunks.c.document_id, chunks.c.n)
    )


def _chunks(engine: Engine, statement: Select[Any]) -> list[Chunk]:
    with reading(engine) as connection:
        return [
            Chunk(
                r.row,
                r.id,
                r.document_id,
                r.n,
                r.text,
                r.heading,
                r.page,
                r.anchor,
                bool(r.enabled),
                page_breaks(r.page_breaks),
            )
            for r in connection.execute(statement)
        ]


def _held(connection: Connection, document_id: str, lease_owner: str) -> Row[Any]:
    statement = select(documents).where(documents.c.id == document_id).with_for_update()
    found = connection.execute(statement).first()
    if found is None or found.lease_owner != lease_owner or found.status != "running" or found.cancel_requested:
        raise LeaseLost(f"{lease_owner!r} does not hold document {document_id!r} any more; drop what was read from it.")
    return found


def _ids_and_rows(connection: Connection, document_id: str) -> list[tuple[str, int]]:
    statement = select(chunks.c.id, chunks.c.row).where(chunks.c.document_id == document_id)
    return [(found.id, found.row) for found in connection.execute(statement)]


def _remove(connection: Connection, rows: Sequence[int]) -> None:
    for some in _slices(rows):
        connection.execute(delete(chunks).where(chunks.c.row.in_(some)))
    changes.append(connection, "remove", rows)


def _insert(connection: Connection, document: Row[Any], places: dict[str, tuple[int, NewChunk]]) -> dict[str, int]:
    if not places:
        return {}
    values = [
        {
            "id": identifier,
            "document_id": document.id,
            "collection_id": document.collection_id,
            "n": n,
            "text": _storable(chunk.text),
            "heading": _storable(chunk.heading),
            "page": chunk.page,
            "page_breaks": _page_breaks_json(chunk),
            "anchor": _storable(chunk.anchor),
            "enabled": 1,
        }
        for identifier, (n, chunk) in places.items()
    ]
    inserted = connection.execute(insert(chunks).returning(chunks.c.id, chunks.c.row), values)
    return {found.id: found.row for found in inserted}


def _update_kept(connection: Connection, kept: dict[int, NewChunk]) -> None:
    for row, chunk in kept.items():
        place = {"page": chunk.page, "page_breaks": _page_breaks_json(chunk), "anchor": chunk.anchor}
        connection.execute(update(chunks).where(chunks.c.row == row).values(place))


def _store_vectors(connection: Connection, rows: Sequence[int], embedded: Vectors, model: str) -> None:
    for some in _slices(rows):
        connection.execute(delete(vectors).where(vectors.c.chunk_row.in_(some), vectors.c.model == model))
    values = [
        {"chunk_row": row, "model": model, "vector": vector_bytes(vector)}
        for row, vector in zip(rows, embedded, strict=True)
    ]
    if values:
        connection.execute(insert(vectors), values)


def _done(connection: Connection, title: str, new: Sequence[NewChunk]) -> dict[str, object]:
    return {
        "title": _storable(title),
        "status": "ready",
        "stage": "done",
        "progress": 1.0,
        "seconds_left": 0.0,
        "reason": None,
        "lease_owner": None,
        "lease_until": None,
        "n_chunks": len(new),
        "updated_at": now(connection),
    }


def _storable(text: str) -> str:
    """Return `text` without what a database refuses: NUL (PostgreSQL) and lone surrogates (both)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _slices(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(rows), _SLICE):
        yield rows[start : start + _SLICE]
