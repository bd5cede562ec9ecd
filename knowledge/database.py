"""The one way to open the database: SQLite by default, PostgreSQL by URL.

Writing: `with engine.begin() as connection` takes SQLite's write lock at once (BEGIN IMMEDIATE), waits for it up to
30 seconds, and is on disk when it returns. Reading: `with reading(engine) as connection` never waits for writers.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from knowledge.turns import Turns

BUSY_TIMEOUT_MS = 30_000
_READS = "knowledge_reads"
_WRITES = "knowledge_writes"
# More than the worker threads of one process can hold at once, so that no thread waits for a connection.
_POOL = {"pool_size": 16, "max_overflow": 112, "pool_timeout": 60}


def connect(url: str) -> Engine:
    """Return an engine for `url`, e.g. "sqlite:///var/assistant.db" or "postgresql+psycopg://...".

    The folder of an SQLite file is made when it is missing. Nothing is read or written until first use.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, **_POOL)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, **_POOL)
    else:
        engine = create_engine(parsed)
    event.listen(engine, "connect", _prepare_sqlite)
    _put_writers_in_line(engine)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that sees one state of the database throughout and holds up no writer."""
    with engine.connect().execution_options(**{_READS: True}) as connection, connection.begin():
        yield connection


def now(connection: Connection) -> float:
    """Return seconds since the epoch by the database host's clock, which all processes share."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None  # the driver must not begin transactions by itself: _begin_sqlite does
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit that was acknowledged survives a power cut
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -16000",  # KiB
    ):
        connection.execute(f"PRAGMA {pragma}")


def _put_writers_in_line(engine: Engine) -> None:
    """Begin every transaction of `engine`: at once if it only reads, else in its turn and with the write lock."""
    turns = Turns()

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_READS, False):
            connection.exec_driver_sql("BEGIN")
            return
        if not turns.take(BUSY_TIMEOUT_MS / 1000):
            raise TimeoutError("Another transaction of this process kept the database for 30 s; it may be stuck.")
        connection.info[_WRITES] = True
        # A transaction that starts as a reader and then writes fails at once when another writer came first; taking
        # the write lock at the start waits instead.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def leave(info: dict[Any, Any]) -> None:
        if info.pop(_WRITES, False):
            turns.give()

    def end(connection: Connection) -> None:
        if not connection.invalidated:  # then give_up was called
            leave(connection.info)

    def put_back(dbapi_connection: DBAPIConnection, connection_record: ConnectionPoolEntry) -> None:
        leave(connection_record.info)

    def give_up(
        dbapi_connection: DBAPIConnection, connection_record: ConnectionPoolEntry, exception: BaseException | None
    ) -> None:
        leave(connection_record.info)

    event.listen(engine, "begin", begin)
    event.listen(engine, "commit", end)
    event.listen(engine, "rollback", end)
    event.listen(engine, "checkin", put_back)  # a transaction that ended in another way
    event.listen(engine, "invalidate", give_up)
