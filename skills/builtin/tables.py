"""Questions to an uploaded table (CSV, XLSX) in SQL, read-only.

DuckDB runs in a confined process (skills/sandbox.py) that has no files but its own and no network; `table_module.py`
is what runs there. It gets the table's bytes from the server, in the asking person's name.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skills.python import PythonModule
from skills.settings import SkillsSettings
from skills.sources import EVERYONE
from skills.types import Person

MAX_TABLE_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class TableFile:
    """An uploaded table."""

    name: str
    media_type: str  # "text/csv", or that of .xlsx
    content: bytes


FindTable = Callable[[str, Person], Awaitable[TableFile | None]]  # None: no such table that the person may read


def table_source(find: FindTable, settings: SkillsSettings) -> PythonModule:
    """Return the source of the skills describe_table and query_table; `find` looks a table up by its name."""

    async def fetch(asked: dict[str, Any], person: Person) -> dict[str, Any]:
        name = str(asked.get("url", "")).removeprefix("table:")
        table = await find(name, person)
        if table is None:
            return {"error": f"There is no table {name[:100]!r}. Upload it as CSV or XLSX first."}
        if len(table.content) > MAX_TABLE_BYTES:
            return {"error": f"{table.name} has {len(table.content)} bytes, over the limit of {MAX_TABLE_BYTES}."}
        return {"status": 200, "text": table.media_type + "," + base64.b64encode(table.content).decode()}

    return PythonModule(
        Path(__file__).with_name("table_module.py"),
        timeout_s=settings.timeout_s,
        memory_bytes=max(
            settings.child_memory_bytes, 2_000_000_000
        ),  # address space: DuckDB reserves more than it uses
        max_output_bytes=settings.max_output_bytes,
        readers=EVERYONE,
        fetch=fetch,
        processes=1,
        name="builtin:tables",
    )
