"""HTML tables as rows of cells, with spans filled in, so that every row can be read on its own."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from ingest.loaders.xmltree import local_name

_MAX_SPAN = 50  # columns or rows of one cell


def is_data(table: etree._Element) -> bool:
    """Return whether a table shows data; one that holds other tables, or a single cell, only places things."""
    cells = sum(1 for _ in table.iter("td", "th"))
    nested = sum(1 for _ in table.iter("table")) > 1
    return cells > 1 and not nested


def caption(table: etree._Element) -> str:
    """Return the caption of a table, "" without one."""
    found = table.find("caption")
    return cell_text(found) if found is not None else ""


def grid(table: etree._Element) -> Iterator[list[str]]:
    """Yield the rows of a table; a cell over several rows is repeated in each, over several columns stands once."""
    hanging: dict[int, tuple[int, str]] = {}  # column -> rows to go, text
    for row in table.iter("tr"):
        cells: list[str] = []
        for cell in row:
            if local_name(cell) not in ("td", "th"):
                continue
            _hang(cells, hanging)
            text = cell_text(cell)
            rows = _span(cell, "rowspan")
            if rows > 1:
                hanging[len(cells)] = (rows - 1, text)
            cells.extend([text, *[""] * (_span(cell, "colspan") - 1)])
        _hang(cells, hanging)
        if any(cells):
            yield cells


def cell_text(cell: etree._Element) -> str:
    """Return all text of a cell, its parts separated by blanks."""
    pieces = (str(piece).strip() for piece in cell.itertext())
    return " ".join(piece for piece in pieces if piece)


def _hang(cells: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    """Append what hangs down from rows above into the next columns."""
    while len(cells) in hanging:
        left, text = hanging.pop(len(cells))
        if left > 1:
            hanging[len(cells)] = (left - 1, text)
        cells.append(text)


def _span(cell: etree._Element, name: str) -> int:
    value = (cell.get(name) or "1").strip()
    return min(max(1, int(value)), _MAX_SPAN) if value.isdecimal() and len(value) < 10 else 1
