"""Passages as people read them: the tables in their text as rows of cells. Pure functions.

Documents reach search as text in which a table is lines of "| a | b |"; nothing else in it is Markdown. The browser
gets the cells and sets them as text, so whatever a document says stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ui.components import PartData, RowOfCells

_RULE = re.compile(r"\s*\|(\s*:?-+:?\s*\|)+\s*")
_CELL_END = re.compile(r"(?<!\\)\|")


class _Piece(NamedTuple):
    start: int  # in the text
    lines: list[str]  # with their ends; of a table the header, the rule, the rows
    is_table: bool


def parts(text: str, quote: str = "") -> list[PartData]:
    """Return the text as runs of text and tables, in order; what is in `quote` is strong, unless that is all of it."""
    at = text.find(quote) if quote and quote != text else -1
    span = range(at, at + len(quote)) if at >= 0 else range(0)
    found: list[PartData] = []
    for piece in _pieces(text):
        found += [_table(piece, span)] if piece.is_table else _runs(piece, span)
    for this, following in pairwise(found):  # a table keeps its distance by itself
        if following["rows"]:
            this["text"] = this["text"].rstrip("\n")
        elif this["rows"]:
            following["text"] = following["text"].lstrip("\n")
    return found


def named(text: str) -> str:
    """Return the text with each row of a table as a line that names its columns: "Region: North · Days: 28"."""
    return "".join(_named_rows(piece) if piece.is_table else "".join(piece.lines) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[_Piece]:
    lines = text.splitlines(keepends=True)
    start = at = offset = 0  # `start`: the line from which on nothing was given out yet, at character `offset`
    while at < len(lines):
        if not (_is_row(lines[at]) and at + 1 < len(lines) and _RULE.fullmatch(lines[at + 1])):
            at += 1
            continue
        if at > start:
            yield _Piece(offset, lines[start:at], is_table=False)
            offset += sum(map(len, lines[start:at]))
        end = next((n for n in range(at + 2, len(lines)) if not _is_row(lines[n])), len(lines))
        yield _Piece(offset, lines[at:end], is_table=True)
        offset += sum(map(len, lines[at:end]))
        start = at = end
    if start < len(lines):
        yield _Piece(offset, lines[start:], is_table=False)


def _is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(inner)]


def _table(piece: _Piece, span: range) -> PartData:
    rows: list[RowOfCells] = []
    offset = piece.start
    for number, line in enumerate(piece.lines):
        if number != 1:
            strong = number > 1 and offset < span.stop and span.start < offset + len(line)
            rows.append(RowOfCells(cells=_cells(line), strong=strong))
        offset += len(line)
    return PartData(text="", strong=False, rows=rows)


def _runs(piece: _Piece, span: range) -> list[PartData]:
    text = "".join(piece.lines)
    first = min(max(span.start - piece.start, 0), len(text))
    last = min(max(span.stop - piece.start, first), len(text))
    runs = ((text[:first], False), (text[first:last], True), (text[last:], False))
    return [PartData(text=run, strong=strong, rows=[]) for run, strong in runs if run]


def _named_rows(piece: _Piece) -> str:
    header, rows = _cells(piece.lines[0]), [_cells(line) for line in piece.lines[2:]]
    if not rows:
        return " · ".join(cell for cell in header if cell) + "\n"
    return "".join(_named_row(header, row) + "\n" for row in rows)


def _named_row(header: Sequence[str], row: Sequence[str]) -> str:
    names = [*header, *[""] * len(row)]
    return " · ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=False) if cell)
