"""A cell of a table that answers is shown with what its row says: "name: TrailMaster X4 Tent; price: **250.0**".

Tables of documents are Markdown, a row a line (ingest/loaders). A bare cell leaves open what it is about, a bare row is
no sentence. What is added are the row's own cells under the names of their columns, so nothing is claimed that does
not stand there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.guardrails.words import content

_LONGEST_CELL = 80  # characters; longer ones are texts of their own and would hide the answer
_MOST_CELLS = 6
_RULE = re.compile(r"^\|(?:\s*:?-{3,}:?\s*\|)+\s*$")


@dataclass(frozen=True, slots=True)
class _Row:
    table: int  # which one of the text's tables, from 0
    columns: tuple[str, ...]  # names; empty where the table has none
    cells: tuple[str, ...]


def row_told(claim: str, question: str, text: str) -> str | None:
    """Return the row of a table in `text` that says `claim`, which is in bold there; None where no row does.

    Of several rows, the one with most of the question's words. A table of two columns reads as "Labor Day: **First
    Monday in September**", whatever its columns are called.
    """
    said = _said(claim)
    asked, best, found = frozenset(content(question)), -1, None
    for row in _rows(text):
        at = _place(said, row.cells)
        shared = len(asked & frozenset(content(" ".join(row.cells))))
        if at is not None and shared > best:
            best, found = shared, (row, at)
    return _told(*found, said) if found is not None else None


def table_told(claim: str, text: str) -> list[str]:
    """Return the rows of the table in `text` that says `claim`, in order; none where no table does."""
    said, rows = _said(claim), _rows(text)
    table = next((row.table for row in rows if _place(said, row.cells) is not None), None)
    return list(filter(None, (_row(row) for row in rows if row.table == table)))


def _rows(text: str) -> list[_Row]:
    """Return the rows in order, the one above the rule, too: tables without column names have their first row there."""
    rows: list[_Row] = []
    lines = [" ".join(line.split()) for line in text.splitlines()]
    columns: tuple[str, ...] = ()
    table = 0
    for n, line in enumerate(lines):
        if not line.startswith("|"):
            columns, table = (), table + 1
        elif n + 1 < len(lines) and _RULE.match(lines[n + 1]):
            columns = _cells(line)
            rows.append(_Row(table, (), columns))
        elif not _RULE.match(line):
            rows.append(_Row(table, columns, _cells(line)))
    return rows


def _row(row: _Row) -> str:
    """Return what a row says in one line; "" for one that only names columns."""
    if len(row.cells) == 2 and len(row.columns) in (0, 2):
        return ": ".join(row.cells)
    both = zip(row.columns, row.cells, strict=False)  # the row of names has none above it
    named = [f"{column}: {cell}" for column, cell in both if 0 < len(cell) <= _LONGEST_CELL]
    return "; ".join(named[:_MOST_CELLS])


def _said(claim: str) -> tuple[str, ...]:
    return tuple(" ".join(cell.split()) for cell in claim.strip(" |.;,").split("|"))


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip("| ").split(" | "))


def _place(said: tuple[str, ...], cells: tuple[str, ...]) -> int | None:
    """Return the cell in which `said` begins, or None."""
    if not said[0]:
        return None
    for at in range(len(cells) - len(said) + 1):
        there = cells[at : at + len(said)]
        held = all(re.search(rf"(?<!\w){re.escape(part)}(?!\w)", cell) for part, cell in zip(said, there, strict=True))
        if held and len(cells[at]) <= _LONGEST_CELL:
            return at
    return None


def _told(row: _Row, at: int, said: tuple[str, ...]) -> str | None:
    if len(row.cells) == 2 and len(row.columns) in (0, 2):
        key, value = row.cells
        return f"{key}: **{value}**" if at == 1 else f"{key}: {value}" if len(value) <= _LONGEST_CELL else None
    if len(row.columns) != len(row.cells):
        return None
    told = [n for n, cell in enumerate(row.cells) if cell and (n == at or len(cell) <= _LONGEST_CELL)]
    kept = {at, *told[:_MOST_CELLS]}
    shown = [
        f"{row.columns[n]}: **{row.cells[n]}**" if at <= n < at + len(said) else f"{row.columns[n]}: {row.cells[n]}"
        for n in told
        if n in kept
    ]
    return "; ".join(shown)
