"""A database that does not answer for a while, as programs that go on working meet it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

LOCKED = OperationalError("SELECT", {}, Exception("database is locked"))
STUCK = TimeoutError("Another transaction of this process kept the database for 30 s; it may be stuck.")


@contextmanager
def outage(engine: Engine, error: Exception, fails: int = 2) -> Iterator[None]:
    """Let every statement of `engine` raise `error` and run the block; end when `fails` statements have failed."""
    failed = threading.Semaphore(0)

    def fail(*_statement: object) -> None:
        failed.release()
        raise error

    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield
        for _ in range(fails):
            assert failed.acquire(timeout=30), "nobody asked the database"
    finally:
        event.remove(engine, "before_cursor_execute", fail)
