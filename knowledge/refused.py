"""Rows of files that were refused: no byte of them is kept, only their names and reasons, for the list of documents.

Such a row is beside the document that its path may name, which stays as it is, and goes when a file is taken under
that path. A collection keeps the newest `KEPT`, so that nobody fills the database with refusals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import uuid4

from sqlalchemy import Connection, Engine, delete, insert, select

from knowledge.collections import valid_readers
from knowledge.database import now
from knowledge.tables import collections, document_readers, documents
from knowledge.types import REFUSED

KEPT = 1_000  # of one collection: at most some 5 MB, as their paths stand twice in a row
_PATH_CHARACTERS = 2_000  # as in knowledge.documents
_REASON_CHARACTERS = 500


def note(
    engine: Engine, collection_id: str, refused: Sequence[tuple[str, str]], readers: Iterable[str], uploaded_by: str
) -> None:
    """Keep a row for each (path, reason), in place of older rows of the same paths.

    Who may read it are `readers`, else those of the document that has the path, else those of the collection. Nothing
    is kept for a conversation's attachments, whose sender has just been told and may attach only so many files.

    Raises InvalidValue for a reader that is no principal.
    """
    principals = valid_readers(readers)
    with engine.begin() as connection:
        found = select(collections.c.private_to).where(collections.c.id == collection_id).with_for_update()
        place = connection.execute(found).first()
        if place is None or place.private_to is not None:
            return
        for path, reason in refused[-KEPT:]:
            _keep(connection, collection_id, path[:_PATH_CHARACTERS], reason, principals, uploaded_by)
        _forget_oldest(connection, collection_id)


def forget(connection: Connection, collection_id: str, path: str) -> None:
    """Drop the row of a refused file, because a file was taken under its path."""
    table = documents.c
    mine = table.collection_id == collection_id, table.path == path, table.stage == REFUSED
    connection.execute(delete(documents).where(*mine))


def _keep(
    connection: Connection, collection_id: str, path: str, reason: str, principals: frozenset[str], uploaded_by: str
) -> None:
    forget(connection, collection_id, path)
    identifier, moment = uuid4().hex, now(connection)
    row = {
        "id": identifier,
        "collection_id": collection_id,
        "title": path.rsplit("/", 1)[-1] or path,
        "path": path,
        "media_type": "",
        "size": 0,
        "sha256": "",
        "uploaded_by": uploaded_by,
        "created_at": moment,
        "updated_at": moment,
        "status": "failed",
        "stage": REFUSED,
        "reason": reason[:_REASON_CHARACTERS],
    }
    connection.execute(insert(documents), row)
    own = principals or _readers_at(connection, collection_id, path)
    if own:
        rows = [{"document_id": identifier, "principal": principal} for principal in sorted(own)]
        connection.execute(insert(document_readers), rows)


def _readers_at(connection: Connection, collection_id: str, path: str) -> frozenset[str]:
    statement = (
        select(document_readers.c.principal)
        .join(documents, documents.c.id == document_readers.c.document_id)
        .where(documents.c.collection_id == collection_id, documents.c.path == path)
    )
    return frozenset(connection.execute(statement).scalars())


def _forget_oldest(connection: Connection, collection_id: str) -> None:
    table = documents.c
    old = (
        select(table.id)
        .where(table.collection_id == collection_id, table.stage == REFUSED)
        .order_by(table.created_at.desc(), table.id)
        .offset(KEPT)
    )
    connection.execute(delete(documents).where(table.id.in_(old)))
