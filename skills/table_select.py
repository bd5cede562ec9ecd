"""The parts of a question about a table, put together into one SELECT. Pure, see table_question.py."""

# Names and values are quoted by name_of and text_of; what is written runs over one table, read-only.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skills.table_words import Column

Shape = Literal["value", "parts", "best", "either", "values", "rows", "columns"]

_SAID = {"sum": "total", "avg": "average", "median": "median", "max": "largest", "min": "smallest"}
_ORDERS = {"max": "max", "most": "max", "latest": "max", "min": "min", "least": "min", "earliest": "min"}
_ORDERS |= {"first": "min", "last": "max"}  # of dates alone


@dataclass(frozen=True, slots=True)
class Reading:
    """What a question asks of a table called t."""

    sql: str  # one SELECT
    shape: Shape  # of its result: one value, of all and of each, the best, either of two such, values, rows, columns
    about: str  # what is asked for, in words: "average revenue"
    limits: str = ""  # of which rows, in words: " (region is North)"; "" for all
    extreme: str = ""  # "largest" or "smallest", of shape "either"


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts of a question."""

    function: str  # of _FUNCTIONS, or ""
    extreme: str  # of _EXTREMES, or ""
    rows: bool  # rows are spoken of
    listing: bool  # values are asked for, by a word or a plural
    entity: Column | None  # "which product"
    group: Column | None
    measures: tuple[Column, ...]
    where: str  # SQL, from " WHERE" on
    limits: str  # the same in words
    several: Column | None = None  # the column of which more than one value is named in `where`
    joined: str = ""  # by "and" or "or"
    partial: bool = False  # a column was named by the end of its name alone


def of_columns(functions: set[str]) -> Reading | None:
    """Return the reading of a question for the columns, or for how many there are; None for anything else."""
    if functions == {"count"}:
        return Reading("SELECT count(*) AS columns FROM (DESCRIBE t)", "value", "number of columns")
    if functions:
        return None
    return Reading("SELECT column_name, column_type FROM (DESCRIBE t)", "columns", "columns")


def computed(asked: Asked) -> Reading | None:
    """Return the reading of a question for a number, or for what has the largest or smallest one."""
    entity, measure = asked.entity, asked.measures[0] if asked.measures else None
    # The sum of weekly_hours may not be what "total hours" are, nor that of unit_price the "total price".
    if asked.partial and asked.function == "sum":
        return None
    # "the product with the largest revenue in North and South": in both together, in each, or such as is in both?
    if asked.joined == "and" and (entity is not None or asked.group is not None):
        return None
    if entity is not None and measure is None and not (asked.rows or asked.extreme) and asked.function != "count":
        entity, measure = None, entity  # "What revenue ... in total"
    if entity is not None:
        return _best(asked, entity, measure) if asked.extreme and asked.group is None else None
    if asked.function and asked.extreme:
        return None
    function = asked.function or asked.extreme
    value = _value(function, measure, asked.rows or (measure is None and bool(asked.where)))
    if value is None:
        return None
    expression, said = value
    if function in ("first", "last"):
        return None
    if asked.several is not None and asked.group is None:  # of all together, and of each
        name = name_of(asked.several)
        grouped = f"SELECT {name}, {expression} AS value FROM t{asked.where} GROUP BY ROLLUP ({name})"
        return Reading(f"{grouped} ORDER BY {name} NULLS FIRST", "parts", said, asked.limits)
    if asked.group is None:
        return Reading(f"SELECT {expression} AS value FROM t{asked.where}", "value", said, asked.limits)
    group = name_of(asked.group)
    if asked.group == measure or asked.group.kind == "number":
        return None
    sql = f"SELECT {group}, {expression} AS {_quoted(said)} FROM t{asked.where} GROUP BY {group} ORDER BY {group}"
    return Reading(sql, "rows", f"{said} by {asked.group.name}", asked.limits)


def _value(function: str, measure: Column | None, rows: bool) -> tuple[str, str] | None:
    """Return a function of a column, in SQL and in words."""
    if function == "count":
        if measure is None:
            return ("count(*)", "number of rows") if rows else None
        if measure.kind == "number" or rows:
            return None
        return f"count(DISTINCT {name_of(measure)})", f"number of different values of {measure.name}"
    if measure is None or rows:
        return None
    order = _ORDERS.get(function, function)
    if measure.kind == "date" and function in ("max", "min", "latest", "earliest", "first", "last"):
        return f"{order}({name_of(measure)})", f"{'latest' if order == 'max' else 'earliest'} {measure.name}"
    if measure.kind != "number" or function in ("latest", "earliest", "first", "last"):
        return None
    return f"{order}({name_of(measure)})", f"{_SAID[order]} {measure.name}"


def _best(asked: Asked, entity: Column, measure: Column | None) -> Reading | None:
    """Return the reading of "which product has the largest revenue"; all that are equal are found."""
    name, order = name_of(entity), _ORDERS[asked.extreme]
    counted = measure is None or measure.kind == "text"
    if counted:
        fits = asked.extreme in ("most", "least") and asked.function in ("", "count")
        value = _value("count", measure, asked.rows) if fits else None
    else:
        value = _value(asked.function or asked.extreme, measure, asked.rows)
    if value is None or measure is None and not asked.rows or entity == measure or asked.function == "count":
        return None
    expression, said = value
    where = f"{asked.where} AND {name} IS NOT NULL" if asked.where else f" WHERE {name} IS NOT NULL"
    best = f"QUALIFY rank() OVER (ORDER BY value {'DESC' if order == 'max' else 'ASC'} NULLS LAST) = 1"
    grouped = f"SELECT {name}, {expression} AS value FROM t{where} GROUP BY {name} {best}"
    # Equal ones in the order of their names: what DuckDB's threads finish first would differ from run to run.
    if counted or asked.function:
        return Reading(f"{grouped} ORDER BY {name}", "best", f"{_SAID[order]} {said}", asked.limits)
    assert measure is not None
    single = f"SELECT DISTINCT {name}, {name_of(measure)} AS value FROM t{where} {best}"
    if entity.unique or measure.kind == "date":
        return Reading(f"{single} ORDER BY {name}", "best", said, asked.limits)
    if asked.partial:
        return None
    # A product with several rows: its rows together, or its best row? Both are told, with which is which.
    total = f"SELECT {name}, sum({name_of(measure)}) AS value FROM t{where} GROUP BY {name} {best}"
    both = f"SELECT *, 'total' AS kind FROM ({total}) UNION ALL SELECT *, 'single' AS kind FROM ({single})"
    ordered = f"SELECT * FROM ({both}) ORDER BY kind DESC, {name}"  # the totals first
    return Reading(ordered, "either", measure.name, asked.limits, _SAID[order])


def listed(asked: Asked) -> Reading | None:
    """Return the reading of a question for values: all of a column, or those of the rows that fit."""
    wanted = [*([asked.entity] if asked.entity else []), *asked.measures]
    if len(wanted) != 1 or asked.group is not None or asked.rows:
        return None
    column = wanted[0]
    # What is "in North and South" may have to be in both; "the revenue of North or South" asks which of the two.
    if asked.several is not None and (asked.joined == "and" or not asked.listing):
        return None
    if not asked.where and not (asked.listing and column.kind != "number"):
        return None
    sql = f"SELECT DISTINCT {name_of(column)} FROM t{asked.where} ORDER BY {name_of(column)}"
    if asked.where and not asked.listing:
        return Reading(f"SELECT {name_of(column)} FROM t{asked.where}", "value", column.name, asked.limits)
    return Reading(sql, "values", column.name, asked.limits)


def name_of(column: Column) -> str:
    """Return the name of a column as SQL writes it."""
    return _quoted(column.name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text_of(value: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
