"""Who may read what: the only place where that is decided, always in SQL and at the moment of the question.

A document's own readers decide when it has any; otherwise its collection's readers do. `sees_all` opens everything
except collections that are private to one conversation: those are for their readers alone.
"""

from __future__ import annotations

from collections.abc import Collection as Ids

from sqlalchemy import ColumnElement, Engine, Select, and_, exists, not_, or_, select

from knowledge.database import reading
from knowledge.tables import chunks, collection_readers, collections, document_readers, documents
from knowledge.types import Scope


def collection_readable(scope: Scope) -> ColumnElement[bool]:
    """Return the condition on `collections` that holds for the collections `scope` may read."""
    mine = exists().where(
        collection_readers.c.collection_id == collections.c.id,
        collection_readers.c.principal.in_(sorted(scope.principals)),
    )
    return or_(collections.c.private_to.is_(None), mine) if scope.sees_all else mine


def document_readable(scope: Scope) -> ColumnElement[bool]:
    """Return the condition on `documents` joined with `collections` for the documents `scope` may read."""
    mine = exists().where(
        document_readers.c.document_id == documents.c.id,
        document_readers.c.principal.in_(sorted(scope.principals)),
    )
    if scope.sees_all:
        return or_(mine, collection_readable(scope))
    restricted = exists().where(document_readers.c.document_id == documents.c.id)
    return or_(mine, and_(not_(restricted), collection_readable(scope)))


def in_collections(collection_ids: Ids[str] | None) -> ColumnElement[bool]:
    """Return the condition on `collections` for a search in `collection_ids`.

    None means all that belong to no conversation.
    """
    if collection_ids is None:
        return collections.c.private_to.is_(None)
    return collections.c.id.in_(sorted(collection_ids))


def allowed_rows(engine: Engine, scope: Scope, collection_ids: Ids[str] | None, rows: Ids[int]) -> set[int]:
    """Return those chunk rows of `rows` that exist, are enabled, lie in the collections and may be read by `scope`.

    Takes about 2 ms for 300 rows at 100,000 chunks. No text is read.
    """
    if not rows:
        return set()
    statement = _allowed(scope, collection_ids).where(chunks.c.row.in_(sorted(rows)))
    with reading(engine) as connection:
        return {found.row for found in connection.execute(statement)}


def all_allowed_rows(engine: Engine, scope: Scope, collection_ids: Ids[str] | None, limit: int) -> list[int]:
    """Return the chunk rows that `scope` may read in the collections, ascending, at most `limit` of them."""
    statement = _allowed(scope, collection_ids).order_by(chunks.c.row).limit(limit)
    with reading(engine) as connection:
        return [found.row for found in connection.execute(statement)]


def may_read(engine: Engine, scope: Scope, document_ids: Ids[str]) -> set[str]:
    """Return those of `document_ids` that exist and may be read by `scope` now."""
    if not document_ids:
        return set()
    statement = (
        select(documents.c.id)
        .join(collections, collections.c.id == documents.c.collection_id)
        .where(documents.c.id.in_(sorted(document_ids)), document_readable(scope))
    )
    with reading(engine) as connection:
        return set(connection.execute(statement).scalars())


def _allowed(scope: Scope, collection_ids: Ids[str] | None) -> Select[tuple[int]]:
    return (
        select(chunks.c.row)
        .join(documents, documents.c.id == chunks.c.document_id)
        .join(collections, collections.c.id == documents.c.collection_id)
        .where(chunks.c.enabled == 1, in_collections(collection_ids), document_readable(scope))
    )
