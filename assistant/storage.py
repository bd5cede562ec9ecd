"""What every process of the product opens first: the database, at this program's schema, and the uploaded files."""

from __future__ import annotations

from sqlalchemy import Engine

from assistant.data_folder import make_writable
from assistant.database import migrate
from assistant.settings import Settings
from ingest.files import FileStore
from knowledge.database import connect


def database(settings: Settings) -> Engine:
    """Return the database, upgraded to this program's schema.

    Raises DataFolderRefused when nothing can be written there, DatabaseRefused when it is newer.
    """
    make_writable(settings.data_dir)
    engine = connect(settings.sql_url)
    migrate(engine, settings.data_dir)
    return engine


def files(settings: Settings) -> FileStore:
    """Return the store of uploaded bytes."""
    return FileStore(settings.data_dir / "files", settings.ingest.reserve_bytes)
