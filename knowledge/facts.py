"""The few facts that hold for the whole knowledge base: which database this is, and which embedding model is live."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection, Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from knowledge.database import reading
from knowledge.tables import facts

_DATABASE = "database"
_EMBEDDER = "embedder"


def database_id(engine: Engine) -> str:
    """Return the identity of this database, made on first use. Indexes made from another are not used."""
    return _get_or_set(engine, _DATABASE, uuid4().hex)


def live_embedder(engine: Engine, default: str) -> str:
    """Return the name of the embedding model that searches use; `default` becomes it if there is none yet."""
    return _get_or_set(engine, _EMBEDDER, default)


def set_live_embedder(connection: Connection, name: str) -> None:
    """Make `name` the embedding model that searches use, as part of the caller's transaction."""
    _set(connection, _EMBEDDER, name)


def _get_or_set(engine: Engine, name: str, value: str) -> str:
    statement = select(facts.c.value).where(facts.c.name == name)
    with reading(engine) as connection:
        found = connection.execute(statement).scalar_one_or_none()
    if found is not None:
        return str(found)
    try:
        with engine.begin() as connection:
            connection.execute(insert(facts), {"name": name, "value": value})
        return value
    except IntegrityError:  # another process was first
        with reading(engine) as connection:
            return str(connection.execute(statement).scalar_one())


def _set(connection: Connection, name: str, value: str) -> None:
    connection.execute(delete(facts).where(facts.c.name == name))
    connection.execute(insert(facts), {"name": name, "value": value})
