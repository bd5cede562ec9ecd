"""Columns held against many values in one parameter."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, insert, select

from knowledge.among import among, listed
from knowledge.database import reading

TABLE = Table("pairs", MetaData(), Column("n", Integer, primary_key=True), Column("name", String(3), nullable=False))
NAMES = {1: "ann", 2: "o'b", 3: '"],', 4: "ß😀", 5: "1"}


@pytest.fixture
def pairs(engine: Engine) -> Engine:
    """A table of numbers and awkward names."""
    TABLE.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(TABLE), [{"n": n, "name": name} for n, name in NAMES.items()])
    return engine


def found(engine: Engine, column: Column[int] | Column[str], values: list[int] | list[str]) -> set[int]:
    """The numbers of the rows whose column is one of the values."""
    with reading(engine) as connection:
        return set(connection.execute(select(TABLE.c.n).where(among(column, "v")), {"v": listed(values)}).scalars())


def test_it_finds_numbers_by_themselves(pairs: Engine) -> None:
    assert found(pairs, TABLE.c.n, [4, 2, 9, 2]) == {2, 4}
    assert found(pairs, TABLE.c.n, list(range(1, 50_000))) == set(NAMES)


@pytest.mark.parametrize("n", NAMES)
def test_it_finds_texts_to_the_letter(n: int, pairs: Engine) -> None:
    assert found(pairs, TABLE.c.name, [NAMES[n]]) == {n}


def test_it_takes_no_longer_value_for_the_beginning_of_one(pairs: Engine) -> None:
    assert found(pairs, TABLE.c.name, ["anna", "an"]) == set()


def test_it_finds_nothing_among_none(pairs: Engine) -> None:
    assert found(pairs, TABLE.c.n, []) == found(pairs, TABLE.c.name, []) == set()
