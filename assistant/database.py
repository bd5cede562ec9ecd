"""Opening the database for serving: upgraded under a lock, snapshot first, and never by an older program."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from assistant.errors import DatabaseNewer, UpgradeFailed
from knowledge.database import reading

MIGRATIONS = Path(__file__).parent / "migrations"
SNAPSHOTS_KEPT = 5
_LOCK = 7_201_952  # any number that no other program on the same PostgreSQL database locks


def migrate(engine: Engine, data_dir: Path, migrations: Path = MIGRATIONS) -> str:
    """Bring the database to this program's schema and return its revision; nothing happens when it is there already.

    Processes that start together wait for each other. An SQLite file that holds data is first copied to
    `<data_dir>/backups`. The upgrade is one transaction: after a crash at any point the database is the old or the new.

    Raises DatabaseNewer if a newer program wrote it, UpgradeFailed if a step failed (it was undone).
    """
    config = _config(migrations)
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    assert head is not None
    with _upgrade_lock(engine, data_dir):
        current = revision(engine)
        refuse_newer(current, data_dir, migrations)
        if current == head:
            return head
        kept = snapshot(engine, data_dir, current) if current is not None else None
        try:
            _upgrade(engine, config)
        except (SQLAlchemyError, ArithmeticError, LookupError, ValueError) as exc:
            where = f" A snapshot is at {kept}." if kept else ""
            raise UpgradeFailed(
                f"The upgrade from {current!r} to {head!r} failed and was undone ({type(exc).__name__}: {exc}).{where}"
            ) from exc
    return head


def refuse_newer(current: str | None, data_dir: Path, migrations: Path = MIGRATIONS) -> None:
    """Raise DatabaseNewer when no step of this program leads to the revision `current`; None is an empty database."""
    scripts = ScriptDirectory.from_config(_config(migrations))
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise DatabaseNewer(
            f"The database is at revision {current!r}, which a newer version of this program wrote. "
            f"Start that version, or restore a snapshot from {data_dir / 'backups'}."
        )


def revision(engine: Engine) -> str | None:
    """Return the revision that the database is at, None when it is empty."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def snapshot(engine: Engine, data_dir: Path, label: str) -> Path | None:
    """Copy the SQLite database, as of now and while others use it, to `<data_dir>/backups`; the newest five are kept.

    Returns the file, or None on PostgreSQL, where backups are the server's business.
    """
    source = engine.url.database
    if engine.dialect.name != "sqlite" or not source or source == ":memory:":
        return None
    folder = data_dir / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"assistant-{label}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.db"
    partial = target.with_suffix(".partial")
    origin, copy = sqlite3.connect(source), sqlite3.connect(partial)
    try:
        origin.backup(copy)
    finally:
        origin.close()
        copy.close()
    descriptor = os.open(partial, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    partial.replace(target)
    for old in sorted(folder.glob("assistant-*.db"), key=lambda file: file.stat().st_mtime)[:-SNAPSHOTS_KEPT]:
        old.unlink()
    return target


def _config(migrations: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return config


def _upgrade(engine: Engine, config: Config) -> None:
    with engine.connect() as connection:
        _foreign_keys(connection, "OFF")
        try:
            with connection.begin():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                _refuse_dangling(connection)
        finally:
            _foreign_keys(connection, "ON")


def _foreign_keys(connection: Connection, state: str) -> None:
    # SQLite changes a table by building it anew; with foreign keys on, dropping the old one would delete what refers
    # to it. The switch only works outside of a transaction, hence on the driver's own connection.
    if connection.dialect.name == "sqlite":
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute(f"PRAGMA foreign_keys = {state}")


def _refuse_dangling(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if dangling:
            raise ValueError(f"{len(dangling)} rows would refer to nothing, the first in table {dangling[0][0]!r}")


@contextmanager
def _upgrade_lock(engine: Engine, data_dir: Path) -> Iterator[None]:
    if engine.dialect.name == "sqlite":
        (data_dir / "run").mkdir(parents=True, exist_ok=True)
        with (data_dir / "run" / "upgrade.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # released by the kernel, also after kill -9
            yield
        return
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        try:
            yield
        finally:
            connection.rollback()  # a failed statement would otherwise refuse the next one
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
