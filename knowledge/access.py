"""Who may read what: the only place where that is decided, always in SQL and at the moment of the question.

A document's own readers decide when it has any; otherwise its collection's readers do. `sees_all` opens everything
except collections that are private to one conversation: those are for their readers alone.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection as Ids
from functools import cache

from sqlalchemy import Column, ColumnElement, Connection, Engine, Select, and_, exists, not_, or_, select

from knowledge.among import among, listed
from knowledge.database import reading
from knowledge.prepared import Prepared
from knowledge.tables import chunks, collection_readers, collections, document_readers, documents
from knowledge.types import Scope

Mine = Callable[[Column[str]], ColumnElement[bool]]  # the condition that a column names the caller or a group of theirs


def collection_readable(scope: Scope) -> ColumnElement[bool]:
    """Return the condition on `collections` that holds for the collections `scope` may read."""
    return _collection_readable(scope.sees_all, _of(scope))


def document_readable(scope: Scope) -> ColumnElement[bool]:
    """Return the condition on `documents` joined with `collections` for the documents `scope` may read."""
    return _document_readable(scope.sees_all, _of(scope))


@cache
def named_collection_readable(sees_all: bool) -> ColumnElement[bool]:
    """Return `collection_readable` for a statement that is built once; its parameter is `principals`, of `listed`."""
    return _collection_readable(sees_all, _named)


@cache
def rows_readable(sees_all: bool, everywhere: bool) -> ColumnElement[bool]:
    """Return the condition on `chunks` joined with `documents` and `collections` whose parameters `bound` gives.

    It holds for those of the rows that are enabled, lie in the collections and may be read. It is built once, so that
    statements with it can be kept: building takes as long as the database does. `everywhere` leaves out what belongs
    to a conversation instead of taking collections.
    """
    inside = collections.c.private_to.is_(None) if everywhere else among(collections.c.id, "collections")
    enabled, asked = chunks.c.enabled == 1, among(chunks.c.row, "rows")
    return and_(enabled, inside, _document_readable(sees_all, _named), asked)


def bound(scope: Scope, collection_ids: Ids[str] | None, rows: Ids[int]) -> dict[str, str]:
    """Return the parameters of `rows_readable`; `collection_ids` None means all that belong to no conversation."""
    inside = {} if collection_ids is None else {"collections": listed(collection_ids)}
    return {"principals": listed(scope.principals), "rows": listed(rows), **inside}


def allowed_rows(connection: Connection, scope: Scope, collection_ids: Ids[str] | None, rows: Ids[int]) -> set[int]:
    """Return those chunk rows of `rows` that exist, are enabled, lie in the collections and may be read by `scope`.

    Takes about 0.5 ms for 200 rows. No text is read.
    """
    if not rows:
        return set()
    statement = _of_rows(scope.sees_all, collection_ids is None)
    return {row for (row,) in statement.rows(connection, bound(scope, collection_ids, rows))}


def all_allowed_rows(engine: Engine, scope: Scope, collection_ids: Ids[str] | None, limit: int) -> list[int]:
    """Return the chunk rows that `scope` may read in the collections, ascending, at most `limit` of them."""
    private = collections.c.private_to.is_(None)
    inside = private if collection_ids is None else collections.c.id.in_(sorted(collection_ids))
    conditions = chunks.c.enabled == 1, inside, document_readable(scope)
    statement = _joined().where(*conditions).order_by(chunks.c.row).limit(limit)
    with reading(engine) as connection:
        return list(connection.execute(statement).scalars())


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


def _of(scope: Scope) -> Mine:
    return lambda principal: principal.in_(sorted(scope.principals))


def _named(principal: Column[str]) -> ColumnElement[bool]:
    return among(principal, "principals")


def _collection_readable(sees_all: bool, mine: Mine) -> ColumnElement[bool]:
    told = exists().where(collection_readers.c.collection_id == collections.c.id, mine(collection_readers.c.principal))
    return or_(collections.c.private_to.is_(None), told) if sees_all else told


def _document_readable(sees_all: bool, mine: Mine) -> ColumnElement[bool]:
    told = exists().where(document_readers.c.document_id == documents.c.id, mine(document_readers.c.principal))
    if sees_all:
        return or_(told, _collection_readable(sees_all, mine))
    restricted = exists().where(document_readers.c.document_id == documents.c.id)
    return or_(told, and_(not_(restricted), _collection_readable(sees_all, mine)))


@cache
def _of_rows(sees_all: bool, everywhere: bool) -> Prepared:
    return Prepared(_joined().where(rows_readable(sees_all, everywhere)))


def _joined() -> Select[int]:
    return (
        select(chunks.c.row)
        .join(documents, documents.c.id == chunks.c.document_id)
        .join(collections, collections.c.id == documents.c.collection_id)
    )
