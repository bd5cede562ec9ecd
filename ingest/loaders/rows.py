"""Rows of cells, from whatever grid, to table blocks that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ingest.errors import DocumentRefused
from ingest.types import Block, Row

MAX_COLUMNS = 2_000
_SPACE = re.compile(r"\s+")


def tables(rows: Iterable[Iterable[str]], page: int | None = None, caption: str = "") -> Iterator[Block]:
    """Yield one table per run of rows without an empty one between, as a block each.

    Empty columns go. Rows before the header that hold a single cell are the caption; what is only one column wide is
    text, not a table. Raises DocumentRefused (too_large) for more than MAX_COLUMNS columns up to the last filled one.
    """
    run: list[Row] = []
    for row in rows:
        cells = _without_end([_SPACE.sub(" ", cell).strip() for cell in row])
        if len(cells) > MAX_COLUMNS:
            raise DocumentRefused("too_large", f"A row has {len(cells)} columns; at most {MAX_COLUMNS} are taken.")
        if any(cells):
            run.append(cells)
        elif run:
            yield from _table(run, page, caption)
            run, caption = [], ""
    if run:
        yield from _table(run, page, caption)


def _without_end(cells: list[str]) -> Row:
    """Return `cells` without the empty ones at the end: a coloured row has cells to the edge of its sheet."""
    filled = len(cells)
    while filled and not cells[filled - 1]:
        filled -= 1
    return tuple(cells[:filled])


def _table(rows: list[Row], page: int | None, caption: str) -> Iterator[Block]:
    width = max(len(row) for row in rows)
    padded = [row + ("",) * (width - len(row)) for row in rows]
    used = [n for n in range(width) if any(row[n] for row in padded)]
    grid = [tuple(row[n] for n in used) for row in padded]
    if len(used) == 1:
        yield Block("text", "\n".join([*([caption] if caption else []), *(row[0] for row in grid)]), page=page)
        return
    first = next((n for n, row in enumerate(grid) if sum(map(bool, row)) > 1), len(grid))
    lines = [caption, *(next(filter(None, row)) for row in grid[:first])]
    text = "\n".join(line for line in lines if line)
    if grid[first:]:
        yield Block("table", text, page=page, rows=tuple(grid[first:]))
    elif text:
        yield Block("text", text, page=page)
