"""The database: many writers, readers that never wait, and commits that last."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from knowledge import changes, collections, documents
from knowledge.database import connect, now, reading
from knowledge.tables import changes as changes_table
from tests.knowledge.building import ADMIN


def test_lets_fifty_threads_write_at_once_without_one_being_refused(engine: Engine) -> None:
    collection = collections.create(engine, "Inbox", "", ["everyone"])
    failures: list[Exception] = []
    slowest: list[float] = []
    start = threading.Barrier(50)

    def write(number: int) -> None:
        start.wait()
        try:
            for n in range(2):
                began = time.perf_counter()
                path = f"{number}-{n}.txt"
                documents.add(engine, collection.id, path, path, "text/plain", 1, "0" * 64, [], "user:a")
                slowest.append(time.perf_counter() - began)
                documents.page(engine, ADMIN, limit=5)
        except (SQLAlchemyError, TimeoutError) as exc:
            failures.append(exc)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert documents.page(engine, ADMIN)[1] == 100
    assert max(slowest) < 30  # seconds; the busy timeout, beyond which a writer would have been refused


def test_lets_a_reader_see_one_state_while_others_write(engine: Engine) -> None:
    with reading(engine) as connection:
        before = changes.latest(connection)
        with engine.begin() as writer:
            changes.append(writer, "touch")
        assert changes.latest(connection) == before
    with reading(engine) as connection:
        assert changes.latest(connection) == before + 1


def test_does_not_let_readers_wait_for_a_writer(engine: Engine) -> None:
    with engine.begin() as writer:
        changes.append(writer, "touch")
        began = time.perf_counter()
        with reading(engine) as connection:
            assert changes.latest(connection) == 0
        assert time.perf_counter() - began < 20


def test_forgets_what_was_not_committed(engine: Engine) -> None:
    with pytest.raises(KeyError), engine.begin() as connection:
        changes.append(connection, "touch")
        raise KeyError
    with reading(engine) as connection:
        assert changes.latest(connection) == 0


def test_is_durable_and_checks_foreign_keys(engine: Engine) -> None:
    with reading(engine) as connection:
        found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("synchronous", "foreign_keys")}
        assert found == {"synchronous": 2, "foreign_keys": 1}
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


def test_makes_the_folder_of_the_file(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/deep/down/assistant.db")
    with reading(engine) as connection:
        assert abs(now(connection) - time.time()) < 5
    engine.dispose()


def test_never_hands_out_a_change_number_twice(engine: Engine) -> None:
    with engine.begin() as connection:
        changes.append(connection, "add", [7, 8, 9])
        assert changes.prune(connection, keep=1) == 2
        connection.execute(changes_table.delete())
        connection.execute(insert(changes_table), {"chunk_row": 10, "kind": "add"})
        assert connection.execute(select(func.max(changes_table.c.seq))).scalar() == 4


def test_lists_changes_in_order_after_a_number(engine: Engine) -> None:
    with engine.begin() as connection:
        changes.append(connection, "add", [5, 6])
        changes.append(connection, "remove", [5])
        changes.append(connection, "add", [])
    with reading(engine) as connection:
        assert [(c.seq, c.row, c.kind) for c in changes.after(connection, 1, 10)] == [(2, 6, "add"), (3, 5, "remove")]
        assert (changes.oldest(connection), changes.latest(connection)) == (1, 3)


def test_lets_the_next_writer_in_after_one_that_was_dropped_in_mid_transaction(engine: Engine) -> None:
    connection = engine.connect()
    changes.append(connection, "touch")
    connection.invalidate()
    connection.close()
    abandoned = engine.connect()
    changes.append(abandoned, "touch")
    abandoned.close()
    with engine.begin() as writer:
        changes.append(writer, "touch")
        assert changes.latest(writer) == 1
