"""What runs beside the server to answer questions about a table; see tables.py."""

from __future__ import annotations

import base64
import csv
import io
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import duckdb

from skills import SkillFailure, SkillRefusal, skill
from skills.outside import fetch
from skills.table_answer import sentence
from skills.table_question import read
from skills.table_words import Column, Kind

MAX_ROWS = 200
_MAX_VALUES = 5_000  # of a text column that questions may name; one with more holds free text
_MAX_COLUMNS = 200
_DATES = ("DATE", "TIMESTAMP")
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "UBIGINT")
_MAX_CELLS = 5_000_000
Table = Annotated[str, "name of the uploaded CSV or XLSX file"]


@skill
def describe_table(table: Table) -> dict[str, Any]:
    """Show the columns of an uploaded table with their types, how many rows it has, and the first three."""
    database = _open(*_content(table))
    columns = [{"name": row[0], "type": row[1]} for row in database.execute("DESCRIBE t").fetchall()]
    count = database.execute("SELECT count(*) FROM t").fetchone()
    return {"columns": columns, "rows": count[0] if count else 0, "first": _rows(database, "SELECT * FROM t LIMIT 3")}


@skill
def ask_table(
    question: Annotated[str, "the person's question in their own words, about columns and values of the table"],
    table: Table,
) -> dict[str, Any]:
    """Answer a plain question about an uploaded CSV or XLSX table: sums, averages, counts, largest and smallest values,
    groups, filters. Needs no SQL, and shows the one it used; refuses a question that it does not understand wholly.

    Examples:
        What is the sum of the amounts in the table sales.csv?
        How many rows of people.xlsx have more than two children?
        What is the highest age in staff.csv?
        Sum up the amounts in invoices.xlsx
        Which customer has the most visits in visits.csv?
        Count the entries in tasks.csv with the state done
    """
    database = _open(*_content(table))
    reading = read(question, table, _columns(database))
    if reading is None:
        raise SkillRefusal("This question is not understood wholly. Use query_table with SQL.")
    found = _rows(database, reading.sql)
    return {"answer": sentence(reading, table, found["rows"]), "sql": reading.sql, **found}


@skill
def query_table(table: Table, sql: Annotated[str, "one SELECT in DuckDB's SQL; the table is called t"]) -> Any:
    """Run one SQL SELECT over an uploaded CSV or XLSX table. It is called t; describe_table tells its columns."""
    database = _open(*_content(table))
    try:
        statements = database.extract_statements(sql)
    except duckdb.Error as exc:
        raise SkillRefusal(_said(exc)) from exc
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SkillRefusal("Write exactly one SELECT statement.")
    return _rows(database, sql)


def _content(table: str) -> tuple[str, bytes]:
    media_type, _, encoded = fetch(f"table:{table}").text.partition(",")
    return media_type, base64.b64decode(encoded)


@lru_cache(maxsize=4)
def _open(media_type: str, content: bytes) -> duckdb.DuckDBPyConnection:
    """Return a database in memory with the table t in it, locked against everything else."""
    path = Path("table.csv")
    path.write_bytes(content if "csv" in media_type or "text" in media_type else _as_csv(content))
    database = duckdb.connect(":memory:", config={"threads": "1", "memory_limit": "500MB"})
    try:
        database.execute("CREATE TABLE t AS SELECT * FROM read_csv('table.csv', sample_size=20000)")
    except duckdb.Error as exc:
        raise SkillFailure(f"The table cannot be read: {_said(exc)}") from exc
    finally:
        path.unlink()
    database.execute("SET enable_external_access=false")
    database.execute("SET lock_configuration=true")
    return database


def _columns(database: duckdb.DuckDBPyConnection) -> list[Column]:
    """Return the columns of t as questions need them."""
    found = []
    for name, kind, *_ in database.execute("DESCRIBE t").fetchall()[:_MAX_COLUMNS]:
        quoted = '"' + name.replace('"', '""') + '"'
        distinct = f"SELECT count(DISTINCT {quoted}), count(*) FROM t"  # noqa: S608 - quoted above
        different, rows = database.execute(distinct).fetchone() or (0, 0)
        values: tuple[str, ...] = ()
        if kind == "VARCHAR" and different <= _MAX_VALUES:
            listed = f"SELECT DISTINCT {quoted} FROM t WHERE {quoted} IS NOT NULL"  # noqa: S608
            values = tuple(row[0] for row in database.execute(listed).fetchall())
        found.append(Column(name, _kind(kind), values, unique=different == rows))
    return found


def _kind(kind: str) -> Kind:
    if kind == "VARCHAR":
        return "text"
    if kind.startswith(_NUMBERS):
        return "number"
    return "date" if kind.startswith(_DATES) else "other"


def _as_csv(content: bytes) -> bytes:
    """Return the first sheet with anything in it as CSV, with values in the place of formulas."""
    import openpyxl  # noqa: PLC0415 - a second to import, needed for XLSX only

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (OSError, ValueError, KeyError, EOFError) as exc:
        raise SkillFailure("The file is no readable XLSX table.") from exc
    cells = 0
    for sheet in book.worksheets:
        written = io.StringIO()
        writer = csv.writer(written)
        for row in sheet.iter_rows(values_only=True):
            cells += len(row)
            if cells > _MAX_CELLS:
                raise SkillFailure(f"The table has over {_MAX_CELLS} cells.")
            if any(value is not None for value in row):
                writer.writerow(["" if value is None else value for value in row])
        if written.tell():
            return written.getvalue().encode()
    raise SkillFailure("The workbook is empty.")


def _rows(database: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    try:
        cursor = database.cursor().execute(sql)
        rows = cursor.fetchmany(MAX_ROWS + 1)
    except duckdb.Error as exc:
        raise SkillRefusal(_said(exc)) from exc
    names = [column[0] for column in cursor.description or ()]
    shown = [dict(zip(names, row, strict=False)) for row in rows[:MAX_ROWS]]
    return {"rows": shown, "more": len(rows) > MAX_ROWS}


def _said(exc: duckdb.Error) -> str:
    return " ".join(str(exc).split())[:400]
