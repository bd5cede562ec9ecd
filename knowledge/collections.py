"""Collections: named sets of documents with readers. What a scope may not read does not exist for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, func, insert, or_, select
from sqlalchemy import delete as delete_from
from sqlalchemy import update as update_table
from sqlalchemy.exc import IntegrityError

from knowledge import changes
from knowledge.access import collection_readable, document_readable, named_collection_readable
from knowledge.among import among, listed
from knowledge.database import now, reading
from knowledge.errors import InvalidValue, NameTaken
from knowledge.prepared import Prepared
from knowledge.tables import chunks, collection_readers, collections, documents
from knowledge.types import REFUSED, Collection, Scope

_PRINCIPAL = re.compile(r"everyone|public|(group|user):[^\s].{0,150}", re.DOTALL)
_NAME_CHARACTERS = 120


def create(
    engine: Engine, name: str, description: str, readers: Iterable[str], private_to: str | None = None
) -> Collection:
    """Store and return a new, empty collection.

    `private_to` is a conversation's id when the collection holds that conversation's attachments.

    Raises NameTaken if a collection of that name exists, InvalidValue for an empty or too long name or a reader that
    is neither "everyone", "public", "group:<name>" nor "user:<id>".
    """
    principals = valid_readers(readers)
    identifier = uuid4().hex
    try:
        with engine.begin() as connection:
            moment = now(connection)
            row = {"id": identifier, "name": _valid_name(name), "description": description, "private_to": private_to}
            connection.execute(insert(collections), {**row, "created_at": moment, "updated_at": moment})
            _write_readers(connection, identifier, principals)
            changes.append(connection, "touch")
    except IntegrityError as exc:
        raise NameTaken(f"A collection named {name!r} exists already; choose another name.") from exc
    found = get(engine, Scope(principals, sees_all=True), identifier)
    assert found is not None  # a scope of all its readers sees it; nobody else knows its id yet
    return found


def get(engine: Engine, scope: Scope, id_or_name: str) -> Collection | None:
    """Return the collection with that id or name, or None if there is none that `scope` may read."""
    # An id wins over a name that looks like it, so that naming a collection cannot shadow another.
    found = _load(engine, scope, or_(collections.c.id == id_or_name, collections.c.name == id_or_name))
    found.sort(key=lambda collection: collection.id != id_or_name)
    return found[0] if found else None


def list_readable(engine: Engine, scope: Scope, include_private: bool = False) -> list[Collection]:
    """Return the collections that `scope` may read, by name; those of conversations only if `include_private`."""
    return _load(engine, scope, None if include_private else collections.c.private_to.is_(None))


def names(engine: Engine, scope: Scope, wanted: Iterable[str] | None) -> dict[str, str]:
    """Return the names, by id, of the collections with a name or id in `wanted`; None: all of no conversation.

    A collection that `scope` may not read is left out, as if it did not exist.
    """
    with reading(engine) as connection:
        return names_seen(connection, scope, wanted)


def names_seen(connection: Connection, scope: Scope, wanted: Iterable[str] | None) -> dict[str, str]:
    """Return the same as `names`, by what `connection` sees."""
    asked = {} if wanted is None else {"wanted": listed(set(wanted))}
    found = _names(scope.sees_all, wanted is None).rows(connection, {"principals": listed(scope.principals), **asked})
    return {collection.id: collection.name for collection in found}


@cache
def _names(sees_all: bool, everywhere: bool) -> Prepared:
    asked = or_(among(collections.c.name, "wanted"), among(collections.c.id, "wanted"))
    chosen = collections.c.private_to.is_(None) if everywhere else asked
    readable = named_collection_readable(sees_all)
    return Prepared(select(collections.c.id, collections.c.name).where(chosen, readable).order_by(collections.c.name))


def update(
    engine: Engine,
    scope: Scope,
    identifier: str,
    name: str | None = None,
    description: str | None = None,
    readers: Iterable[str] | None = None,
) -> Collection | None:
    """Change what is not None and return the collection, or None if `scope` may not read it. Takes effect at once.

    Raises NameTaken and InvalidValue like `create`.
    """
    if get(engine, scope, identifier) is None:
        return None
    values: dict[str, str] = {}
    if name is not None:
        values["name"] = _valid_name(name)
    if description is not None:
        values["description"] = description
    try:
        with engine.begin() as connection:
            moment = now(connection)
            connection.execute(
                update_table(collections).where(collections.c.id == identifier).values(**values, updated_at=moment)
            )
            if readers is not None:
                _write_readers(connection, identifier, valid_readers(readers))
            changes.append(connection, "touch")
    except IntegrityError as exc:
        raise NameTaken(f"A collection named {name!r} exists already; choose another name.") from exc
    return get(engine, scope, identifier)


def delete(engine: Engine, scope: Scope, identifier: str) -> bool:
    """Delete the collection with all its documents, chunks and vectors; False if `scope` may not read it."""
    if get(engine, scope, identifier) is None:
        return False
    with engine.begin() as connection:
        rows = connection.execute(
            select(chunks.c.row)
            .join(documents, documents.c.id == chunks.c.document_id)
            .where(documents.c.collection_id == identifier)
        ).scalars()
        changes.append(connection, "remove", list(rows))
        connection.execute(delete_from(collections).where(collections.c.id == identifier))  # rest: cascade
        changes.append(connection, "touch")
    return True


def valid_readers(readers: Iterable[str]) -> frozenset[str]:
    """Return `readers` as a set; raises InvalidValue if one is not a principal."""
    principals = frozenset(readers)
    for principal in principals:
        if not _PRINCIPAL.fullmatch(principal):
            raise InvalidValue(
                f"{principal!r} cannot be a reader; use 'everyone', 'public', 'group:<name>' or 'user:<id>'."
            )
    return principals


def _valid_name(name: str) -> str:
    stripped = name.strip()
    if not stripped or len(stripped) > _NAME_CHARACTERS or not stripped.isprintable():
        raise InvalidValue(f"{name[:130]!r} cannot be a name; use 1 to {_NAME_CHARACTERS} printable characters.")
    return stripped


def _write_readers(connection: Connection, identifier: str, principals: frozenset[str]) -> None:
    connection.execute(delete_from(collection_readers).where(collection_readers.c.collection_id == identifier))
    if principals:
        rows = [{"collection_id": identifier, "principal": principal} for principal in sorted(principals)]
        connection.execute(insert(collection_readers), rows)


def _load(engine: Engine, scope: Scope, condition: ColumnElement[bool] | None) -> list[Collection]:
    # Only what the scope may read is counted: a number must not tell that there is more.
    counts = (
        select(
            documents.c.collection_id,
            func.count().label("n_documents"),
            func.coalesce(func.sum(documents.c.n_chunks), 0).label("n_chunks"),
        )
        .join(collections, collections.c.id == documents.c.collection_id)
        .where(document_readable(scope), documents.c.stage != REFUSED)
        .group_by(documents.c.collection_id)
        .subquery()
    )
    statement = (
        select(collections, counts.c.n_documents, counts.c.n_chunks)
        .outerjoin(counts, counts.c.collection_id == collections.c.id)
        .where(collection_readable(scope))
        .order_by(collections.c.name)
    )
    if condition is not None:
        statement = statement.where(condition)
    with reading(engine) as connection:
        rows = connection.execute(statement).mappings().all()
        readers = _readers(connection, [row["id"] for row in rows])
    return [_collection(row, readers.get(row["id"], frozenset())) for row in rows]


def _readers(connection: Connection, identifiers: Sequence[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    statement = select(collection_readers).where(collection_readers.c.collection_id.in_(identifiers))
    for row in connection.execute(statement):
        found.setdefault(row.collection_id, set()).add(row.principal)
    return {identifier: frozenset(principals) for identifier, principals in found.items()}


def _collection(row: RowMapping, readers: frozenset[str]) -> Collection:
    return Collection(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        readers=readers,
        n_documents=row["n_documents"] or 0,
        n_chunks=row["n_chunks"] or 0,
        updated_at=datetime.fromtimestamp(row["updated_at"], UTC),
        private_to=row["private_to"],
    )
