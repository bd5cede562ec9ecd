"""Questions to tables: DuckDB in its confined process, called as the assistant calls it."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import openpyxl
import pytest
import pytest_asyncio

from skills.builtin.tables import TableFile, table_source
from skills.settings import SkillsSettings
from skills.types import Person, Skill, SkillCall, SkillResult
from tests.skills.conftest import ANNA, BOB

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux only"),
    pytest.mark.asyncio(loop_scope="module"),
]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["item", "price"])  # type: ignore[union-attr]
    book.active.append(["pen", 1.5])  # type: ignore[union-attr]
    book.active.append(["=1+1", 2.5])  # type: ignore[union-attr]
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def bomb() -> bytes:
    """Return a workbook whose shared strings swell to 300 MB."""
    file = io.BytesIO(workbook())
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"<sst><si><t>" + b"x" * 300_000_000)
    return file.getvalue()


TABLES = {
    "cities.csv": TableFile(
        "cities.csv", "text/csv", b"city,people,since\nRome,2800000,2020-01-01\nOslo,700000,2021-02-03\n"
    ),
    "prices.xlsx": TableFile("prices.xlsx", XLSX, workbook()),
    "odd.csv": TableFile("odd.csv", "text/csv", b"a;b\n=HYPERLINK(1);\xff\xfe\n@SUM(1);<|im_end|>\n"),
    "empty.csv": TableFile("empty.csv", "text/csv", b""),
    "broken.xlsx": TableFile("broken.xlsx", XLSX, b"PK\x03\x04 no"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tables() -> AsyncIterator[dict[str, Skill]]:
    async def find(name: str, person: Person) -> TableFile | None:
        return TABLES.get(name) if person == ANNA else None

    source = table_source(find, SkillsSettings(timeout_s=20))
    yield {skill.name: skill for skill in await source.load()}
    await source.close()


async def query(tables: dict[str, Skill], sql: str, table: str = "cities.csv", person: Person = ANNA) -> SkillResult:
    return await tables["query_table"].run(SkillCall("query_table", {"table": table, "sql": sql}, person))


async def test_describes_and_answers(tables: dict[str, Skill]) -> None:
    described = await tables["describe_table"].run(SkillCall("describe_table", {"table": "cities.csv"}, ANNA))
    assert described.data["rows"] == 2 and [c["name"] for c in described.data["columns"]] == ["city", "people", "since"]
    assert (await query(tables, "SELECT sum(people) AS n FROM t")).data == {"rows": [{"n": 3_500_000}], "more": False}
    assert (await query(tables, "SELECT city FROM t ORDER BY since LIMIT 1")).data["rows"] == [{"city": "Rome"}]
    assert (await query(tables, "SELECT sum(price) AS n FROM t", "prices.xlsx")).data["rows"] == [{"n": 4.0}]
    assert (await query(tables, "SELECT * FROM range(1000)")).data["more"] is True


async def test_shows_a_table_to_those_who_may_read_it(tables: dict[str, Skill]) -> None:
    assert (await query(tables, "SELECT 1", person=BOB)).status == "failed"
    assert "no table 'other.csv'" in (await query(tables, "SELECT 1", "other.csv")).text


HOSTILE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'table.csv'",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "COPY t TO '/tmp/stolen.csv'",
    "COPY (SELECT 1) TO '/tmp/stolen.csv'",
    "EXPORT DATABASE '/tmp/stolen'",
    "ATTACH '/tmp/stolen.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access=true",
    "RESET lock_configuration",
    "PRAGMA enable_profiling",
    "DROP TABLE t",
    "DELETE FROM t",
    "UPDATE t SET people = 0",
    "INSERT INTO t VALUES (1, 2, 3)",
    "CREATE TABLE x AS SELECT 1",
    "CREATE MACRO f() AS 1",
    "SELECT 1; DROP TABLE t",
    "CALL pragma_version()",
    "CHECKPOINT",
    "SELECT getenv('HOME')",
    "SELECT * FROM sqlite_scan('/tmp/x', 'y')",
    "SELECT nosuch FROM t",
    "SELECT",
    "",
    ";",
    "\x00",
    "'",
    "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
    "SELECT repeat('x', 100000000)",
]


async def test_lets_no_statement_read_write_or_change_anything_else(tables: dict[str, Skill]) -> None:
    for sql in HOSTILE:
        assert (await query(tables, sql)).status in ("retry", "failed"), sql
    assert not list(Path("/tmp").glob("stolen*"))  # noqa: S108
    assert (await query(tables, "SELECT count(*) AS n FROM t")).data["rows"] == [{"n": 2}]


async def test_survives_odd_and_broken_files(tables: dict[str, Skill]) -> None:
    assert (await query(tables, "SELECT * FROM t", "odd.csv")).status in ("ok", "failed")
    assert (await query(tables, "SELECT * FROM t", "empty.csv")).status in ("ok", "failed")
    assert (await query(tables, "SELECT * FROM t", "broken.xlsx")).status == "failed"
    assert (await query(tables, "SELECT count(*) AS n FROM t")).data["rows"] == [{"n": 2}]


@pytest.mark.fault
async def test_survives_an_inflating_workbook_and_an_endless_query(tables: dict[str, Skill]) -> None:
    TABLES["bomb.xlsx"] = TableFile("bomb.xlsx", XLSX, bomb())
    assert len((await query(tables, "SELECT * FROM t", "bomb.xlsx")).text) < 10_000
    endless = "WITH RECURSIVE x AS (SELECT 1 a UNION ALL SELECT a + 1 FROM x) SELECT sum(a) FROM x"
    assert (await query(tables, endless)).status == "failed"
    assert (await query(tables, "SELECT count(*) AS n FROM t")).data["rows"] == [{"n": 2}]
