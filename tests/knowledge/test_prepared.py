"""Statements written out once."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, bindparam, select

from knowledge.among import among, listed
from knowledge.database import reading
from knowledge.prepared import Prepared
from knowledge.tables import documents as table
from knowledge.types import Collection
from tests.knowledge.building import store_row

STATEMENT = (
    select(table.c.path, table.c.size, table.c.reason)
    .where(table.c.size == 1, table.c.title != bindparam("title"), among(table.c.path, "paths"))
    .order_by(table.c.path)
)


def test_gives_the_rows_that_the_statement_gives(engine: Engine, everyone: Collection) -> None:
    for path in ("a.md", "b.md", "c.md", "d.md"):
        store_row(engine, everyone, path)
    prepared = Prepared(STATEMENT)
    with reading(engine) as connection:
        for title, paths in (("a.md", ["a.md", "b.md", "c.md"]), ("d.md", ["d.md"]), ("", [])):
            given = {"title": title, "paths": listed(paths)}
            expected = connection.execute(STATEMENT, given).all()
            assert prepared.rows(connection, given) == expected
            assert [found.path for found in prepared.rows(connection, given)] == [found.path for found in expected]


def test_wants_every_parameter(engine: Engine) -> None:
    with reading(engine) as connection, pytest.raises(KeyError, match="title"):
        Prepared(STATEMENT).rows(connection, {"paths": listed(["a.md"])})
