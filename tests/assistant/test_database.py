"""Upgrades: snapshot first, all or nothing, one at a time, and never by an older program."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, text

import assistant.tables  # noqa: F401
from assistant.database import MIGRATIONS, migrate, revision, snapshot
from assistant.errors import DatabaseNewer, UpgradeFailed
from knowledge.database import connect
from knowledge.tables import metadata

HEAD = ScriptDirectory(str(MIGRATIONS)).get_current_head()
SECOND = '''"""Two tables change."""

import os
import time

import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = "HEAD"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema in several statements."""
    for position in range(6):
        mark = os.environ.get("TEST_STEPS")
        if mark:
            with open(mark, "a") as file:
                file.write("x")
            time.sleep(0.05)
        op.add_column("groups", sa.Column(f"extra{position}", sa.Text()))
    with op.batch_alter_table("users") as batch:
        batch.alter_column("name", type_=sa.String(90))
    if os.environ.get("TEST_FAIL"):
        raise ValueError("a step went wrong")
'''.replace("HEAD", HEAD or "")


@pytest.fixture
def first_version(tmp_path: Path) -> Path:
    """The migrations of the first program."""
    folder = tmp_path / "first"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__", "000[2-9]_*", "00[1-9]?_*"))
    return folder


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """The migrations of a program that is one revision newer."""
    folder = tmp_path / "newer"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9001_next.py").write_text(SECOND.replace("HEAD", str(HEAD)))
    return folder


def _rows(engine: Engine, schema: MetaData) -> dict[str, list[tuple[object, ...]]]:
    """What stands in the tables and columns of `schema`."""
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(table.select())]
            for table in schema.sorted_tables
            if table.name != "alembic_version"
        }


def _columns(path: Path, table: str) -> list[str]:
    with sqlite3.connect(path) as connection:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_it_makes_exactly_the_tables_that_the_code_declares(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/assistant.db")
    migrate(engine, tmp_path)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == [], 'run `python -m assistant.migrations "what changes"` and review what it wrote'


def test_it_does_nothing_when_nothing_is_to_do(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/assistant.db")
    assert migrate(engine, tmp_path) == migrate(engine, tmp_path) == revision(engine)
    assert not (tmp_path / "backups").exists()


def test_it_keeps_a_snapshot_of_the_old_database_and_all_rows(tmp_path: Path, next_version: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/assistant.db")
    migrate(engine, tmp_path)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO users VALUES ('u', 'Ann', 'ann', 'x', 1, 1, 0, 0)"))
        connection.execute(text("INSERT INTO sessions VALUES ('s', 'h', 'u', 0, 1)"))
    assert migrate(engine, tmp_path, next_version) == "9001"
    kept = list((tmp_path / "backups").glob(f"assistant-{HEAD}-*.db"))
    assert len(kept) == 1 and "extra0" not in _columns(kept[0], "groups")
    with sqlite3.connect(kept[0]) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    # SQLite rebuilt the table `users`; the session that refers to it must still be there.
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM sessions")).scalar() == 1
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_a_database_of_the_first_program_keeps_every_row_through_all_upgrades(
    tmp_path: Path, first_version: Path
) -> None:
    engine = connect(f"sqlite:///{tmp_path}/assistant.db")
    assert migrate(engine, tmp_path, first_version) == "0001"
    old = MetaData()
    old.reflect(engine)
    samples = {str: "x", int: 1, float: 1.0, bool: True, bytes: b"x"}  # all keys are alike, so references hold
    with engine.begin() as connection:
        for table in old.sorted_tables:
            if table.name != "alembic_version":
                row = {column.name: samples[column.type.python_type] for column in table.columns}
                connection.execute(table.insert().values(row))
        records = old.tables["turn_records"]
        stranger = {"turn_id": "y", "owner_id": "nobody", "created_at": 2.0, "data": "{}"}
        connection.execute(records.insert().values(stranger))
    before = _rows(engine, old)
    assert len(before) >= 20 and all(before.values())
    assert migrate(engine, tmp_path) == HEAD
    assert _rows(engine, old) == before
    with engine.connect() as connection:
        visitors = connection.execute(text("SELECT turn_id, visitor FROM turn_records ORDER BY seq")).all()
    assert [tuple(row) for row in visitors] == [("x", False), ("y", True)]  # who has no account was a visitor
    assert [path.name for path in (tmp_path / "backups").iterdir()]


def test_it_refuses_a_database_of_a_newer_program(tmp_path: Path, next_version: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/assistant.db")
    migrate(engine, tmp_path, next_version)
    with pytest.raises(DatabaseNewer, match="9001"):
        migrate(engine, tmp_path)
    assert revision(engine) == "9001"


def test_it_undoes_an_upgrade_that_fails_in_the_middle(
    tmp_path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect(f"sqlite:///{tmp_path}/assistant.db")
    migrate(engine, tmp_path)
    monkeypatch.setenv("TEST_FAIL", "1")
    with pytest.raises(UpgradeFailed, match="snapshot"):
        migrate(engine, tmp_path, next_version)
    assert revision(engine) == HEAD and _columns(tmp_path / "assistant.db", "groups") == ["name", "created_at"]
    monkeypatch.delenv("TEST_FAIL")
    assert migrate(engine, tmp_path, next_version) == "9001"


def test_it_keeps_the_newest_snapshots_only(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/assistant.db")
    migrate(engine, tmp_path)
    for number in range(8):
        made = snapshot(engine, tmp_path, f"r{number}")
        assert made is not None
        os.utime(made, (number, number))
    assert sorted(file.name[:12] for file in (tmp_path / "backups").iterdir()) == [
        f"assistant-r{n}" for n in range(3, 8)
    ]


def _upgrade(folder: Path, migrations: Path) -> None:
    engine = connect(f"sqlite:///{folder}/assistant.db")
    migrate(engine, folder, migrations)


def test_servers_that_start_together_upgrade_once(tmp_path: Path, next_version: Path) -> None:
    # The lock belongs to an open file, so two threads exclude each other exactly as two processes do.
    with ThreadPoolExecutor(4) as together:
        list(together.map(lambda _: _upgrade(tmp_path, next_version), range(4)))
    assert "extra5" in _columns(tmp_path / "assistant.db", "groups")


@pytest.mark.fault
def test_a_kill_at_any_step_leaves_the_old_or_the_new(
    tmp_path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = connect(f"sqlite:///{tmp_path}/assistant.db")
    migrate(old, tmp_path)
    old.dispose()
    steps = tmp_path / "steps"
    monkeypatch.setenv("TEST_STEPS", str(steps))
    context = multiprocessing.get_context("spawn")
    for step in range(1, 7):
        steps.write_text("")
        process = context.Process(target=_upgrade, args=(tmp_path, next_version))
        process.start()
        while process.is_alive() and len(steps.read_text()) < step:
            time.sleep(0.002)
        process.kill()
        process.join()
        columns = _columns(tmp_path / "assistant.db", "groups")
        assert columns == ["name", "created_at"] or "extra5" in columns
        if "extra5" in columns:
            break
    monkeypatch.delenv("TEST_STEPS")
    _upgrade(tmp_path, next_version)
    assert "extra5" in _columns(tmp_path / "assistant.db", "groups")
