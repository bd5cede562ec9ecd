"""Documents: one row each, which is its record and its ingestion job alike (the job side is in `ingest`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, and_, func, insert, or_, select
from sqlalchemy import delete as delete_from
from sqlalchemy import update as update_table

from knowledge import changes, refused
from knowledge.access import document_readable
from knowledge.collections import valid_readers
from knowledge.database import now, reading
from knowledge.errors import InvalidValue
from knowledge.tables import chunks, collections, document_readers, documents
from knowledge.types import REFUSED, Document, Scope

_PATH_CHARACTERS = 2000  # more than any real path; PostgreSQL can index it


def add(
    engine: Engine,
    collection_id: str,
    title: str,
    path: str,
    media_type: str,
    size: int,
    sha256: str,
    readers: Iterable[str],
    uploaded_by: str,
) -> Document:
    """Queue a document and return it; it is durable when this returns.

    A document with the same path in the same collection is replaced: it keeps its id, and what was read from its old
    version stays searchable until the new one is ready. A worker still busy with the old version loses its lease.
    An empty `readers` leaves the readers of a replaced document as they are.

    Raises InvalidValue if the collection does not exist, or for an unusable path or reader.
    """
    principals = valid_readers(readers)
    if not path or len(path) > _PATH_CHARACTERS:
        raise InvalidValue(f"The path {path[:80]!r} cannot be stored; use 1 to {_PATH_CHARACTERS} characters.")
    with engine.begin() as connection:
        _lock_collection(connection, collection_id)
        refused.forget(connection, collection_id, path)
        same = documents.c.collection_id == collection_id, documents.c.path == path
        known = connection.execute(select(documents.c.id).where(*same)).scalar_one_or_none()
        identifier = known or uuid4().hex
        moment = now(connection)
        values = {
            "title": title,
            "media_type": media_type,
            "size": size,
            "sha256": sha256,
            "uploaded_by": uploaded_by,
            "updated_at": moment,
            **_QUEUED,
        }
        if known:
            connection.execute(update_table(documents).where(documents.c.id == identifier).values(**values))
        else:
            fixed = {"id": identifier, "collection_id": collection_id, "path": path, "created_at": moment}
            connection.execute(insert(documents), {**values, **fixed, "n_chunks": 0})
        if principals or not known:
            _write_readers(connection, identifier, principals)
        if principals and known:
            changes.append(connection, "touch")
        return _load(connection, documents.c.id == identifier)[0]


# What a job looks like before its first attempt.
_QUEUED: dict[str, object] = {
    "status": "queued",
    "stage": "waiting",
    "progress": 0.0,
    "seconds_left": None,
    "reason": None,
    "attempts": 0,
    "lease_owner": None,
    "lease_until": None,
    "cancel_requested": 0,
}


def requeue(engine: Engine, scope: Scope, identifier: str) -> Document | None:
    """Put the document in the queue once more, from its first attempt; None if `scope` may not read it.

    A file that was refused stays so: there is nothing to read.
    """
    with engine.begin() as connection:
        if not _readable(connection, scope, identifier):
            return None
        values = {**_QUEUED, "updated_at": now(connection)}
        taken = documents.c.id == identifier, documents.c.stage != REFUSED
        connection.execute(update_table(documents).where(*taken).values(**values))
        return _load(connection, documents.c.id == identifier)[0]


def get(engine: Engine, scope: Scope, identifier: str) -> Document | None:
    """Return the document, or None if there is none that `scope` may read."""
    with reading(engine) as connection:
        found = _load(connection, documents.c.id == identifier, document_readable(scope))
    return found[0] if found else None


def page(
    engine: Engine,
    scope: Scope,
    collection_id: str | None = None,
    status: str | None = None,
    text: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[Document], int]:
    """Return documents that `scope` may read, newest first, and how many there are in all.

    Without `collection_id`, attachments of conversations are left out. `text` is looked for in title and path,
    ignoring case; it is plain text, not a pattern.
    """
    conditions = _wanted(scope, collection_id, text)
    if status is not None:
        conditions.append(documents.c.status == status)
    with reading(engine) as connection:
        total = connection.execute(
            select(func.count())
            .select_from(documents)
            .join(collections, collections.c.id == documents.c.collection_id)
            .where(*conditions)
        ).scalar_one()
        return _load(connection, *conditions, limit=limit, offset=offset), total


def counts(engine: Engine, scope: Scope, collection_id: str | None = None, text: str | None = None) -> dict[str, int]:
    """Return how many of the documents that `page` finds without a status are in each; none of 0."""
    with reading(engine) as connection:
        found = connection.execute(
            select(documents.c.status, func.count().label("number"))
            .select_from(documents)
            .join(collections, collections.c.id == documents.c.collection_id)
            .where(*_wanted(scope, collection_id, text))
            .group_by(documents.c.status)
        )
        return {row.status: row.number for row in found}


def unread(engine: Engine, scope: Scope, wanted: Sequence[str] | None = None) -> int:
    """Return how many documents that `scope` may read wait to be read, or are being read.

    `wanted` are names or ids of collections; None means all that belong to no conversation.
    """
    shared, its = collections.c.private_to.is_(None), collections.c
    place = shared if wanted is None else or_(its.id.in_(wanted), and_(shared, its.name.in_(wanted)))
    with reading(engine) as connection:
        return connection.execute(
            select(func.count())
            .select_from(documents)
            .join(collections, collections.c.id == documents.c.collection_id)
            .where(document_readable(scope), place, documents.c.status.in_(("queued", "running")))
        ).scalar_one()


def _wanted(scope: Scope, collection_id: str | None, text: str | None) -> list[ColumnElement[bool]]:
    conditions = [document_readable(scope)]
    if collection_id is None:
        conditions.append(collections.c.private_to.is_(None))
    else:
        conditions.append(documents.c.collection_id == collection_id)
    if text:
        conditions.append(
            documents.c.title.icontains(text, autoescape=True) | documents.c.path.icontains(text, autoescape=True)
        )
    return conditions


def delete(engine: Engine, scope: Scope, identifier: str) -> bool:
    """Delete the document with its chunks and vectors; False if there is none that `scope` may read.

    From the commit on no search returns it; the indexes forget it as soon as they follow.
    """
    with engine.begin() as connection:
        if not _readable(connection, scope, identifier):
            return False
        rows = connection.execute(select(chunks.c.row).where(chunks.c.document_id == identifier)).scalars()
        changes.append(connection, "remove", list(rows))
        connection.execute(delete_from(documents).where(documents.c.id == identifier))  # rest: cascade
        changes.append(connection, "touch")
        return True


def set_readers(engine: Engine, scope: Scope, identifier: str, readers: Iterable[str]) -> Document | None:
    """Set the document's own readers (none: its collection's readers decide) and return it. Takes effect at once.

    None if there is no such document that `scope` may read. Raises InvalidValue for a reader that is no principal.
    """
    principals = valid_readers(readers)
    with engine.begin() as connection:
        if not _readable(connection, scope, identifier):
            return None
        _write_readers(connection, identifier, principals)
        changes.append(connection, "touch")
        return _load(connection, documents.c.id == identifier)[0]


def set_title(engine: Engine, scope: Scope, identifier: str, title: str) -> Document | None:
    """Rename the document and return it; None if there is none that `scope` may read."""
    with engine.begin() as connection:
        if not _readable(connection, scope, identifier):
            return None
        values = {"title": title, "updated_at": now(connection)}
        connection.execute(update_table(documents).where(documents.c.id == identifier).values(**values))
        rows = connection.execute(select(chunks.c.row).where(chunks.c.document_id == identifier)).scalars()
        changes.append(connection, "add", list(rows))  # the keyword index holds the title
        return _load(connection, documents.c.id == identifier)[0]


def _readable(connection: Connection, scope: Scope, identifier: str) -> bool:
    statement = (
        select(documents.c.id)
        .join(collections, collections.c.id == documents.c.collection_id)
        .where(documents.c.id == identifier, document_readable(scope))
    )
    return connection.execute(statement).first() is not None


def _lock_collection(connection: Connection, collection_id: str) -> None:
    """Serialise additions to a collection on PostgreSQL, so that one path never gets two documents."""
    statement = select(collections.c.id).where(collections.c.id == collection_id).with_for_update()
    if connection.execute(statement).first() is None:
        raise InvalidValue(f"There is no collection {collection_id!r}; it may have been deleted, choose another.")


def _write_readers(connection: Connection, identifier: str, principals: frozenset[str]) -> None:
    connection.execute(delete_from(document_readers).where(document_readers.c.document_id == identifier))
    if principals:
        rows = [{"document_id": identifier, "principal": principal} for principal in sorted(principals)]
        connection.execute(insert(document_readers), rows)


def _load(
    connection: Connection, *conditions: ColumnElement[bool], limit: int | None = None, offset: int = 0
) -> list[Document]:
    statement = (
        select(documents)
        .join(collections, collections.c.id == documents.c.collection_id)
        .where(*conditions)
        .order_by(documents.c.created_at.desc(), documents.c.id)
        .limit(limit)
        .offset(offset)
    )
    rows = connection.execute(statement).mappings().all()
    readers = _readers(connection, [row["id"] for row in rows])
    return [_document(row, readers.get(row["id"], frozenset())) for row in rows]


def _readers(connection: Connection, identifiers: Sequence[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    statement = select(document_readers).where(document_readers.c.document_id.in_(identifiers))
    for row in connection.execute(statement):
        found.setdefault(row.document_id, set()).add(row.principal)
    return {identifier: frozenset(principals) for identifier, principals in found.items()}


def _document(row: RowMapping, readers: frozenset[str]) -> Document:
    return Document(
        id=row["id"],
        collection_id=row["collection_id"],
        title=row["title"],
        path=row["path"],
        media_type=row["media_type"],
        size=row["size"],
        sha256=row["sha256"],
        readers=readers,
        status=row["status"],
        stage=row["stage"],
        progress=row["progress"],
        seconds_left=row["seconds_left"],
        reason=row["reason"],
        n_chunks=row["n_chunks"],
        uploaded_by=row["uploaded_by"],
        created_at=datetime.fromtimestamp(row["created_at"], UTC),
        updated_at=datetime.fromtimestamp(row["updated_at"], UTC),
    )
