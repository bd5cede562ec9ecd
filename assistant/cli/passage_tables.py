"""The tables in a passage as columns of a terminal. Documents reach search with tables as lines of "| a | b |"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

_RULE = re.compile(r"\s*\|(\s*:?-+:?\s*\|)+\s*")
_CELL_END = re.compile(r"(?<!\\)\|")
_GAP = 2


def readable(text: str, width: int) -> str:
    """Return the text with tables in aligned columns; one wider than `width` is lines of "Region: North, Days: 28"."""
    lines = text.splitlines()
    shown: list[str] = []
    at = 0
    while at < len(lines):
        if not (_is_row(lines[at]) and at + 1 < len(lines) and _RULE.fullmatch(lines[at + 1])):
            shown.append(lines[at])
            at += 1
            continue
        end = next((n for n in range(at + 2, len(lines)) if not _is_row(lines[n])), len(lines))
        shown += _table([_cells(lines[at]), *map(_cells, lines[at + 2 : end])], width)
        at = end
    return "\n".join(shown)


def _table(rows: Sequence[list[str]], width: int) -> list[str]:
    count = max(map(len, rows))
    filled = [[*row, *[""] * (count - len(row))] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*filled, strict=True)]
    if sum(widths) + _GAP * (count - 1) <= width:
        lines = [
            "".join(set_cell_size(cell, size + _GAP) for cell, size in zip(row, widths, strict=True)) for row in filled
        ]
        return [line.rstrip() for line in lines]
    header, *rest = filled
    return [_named(header, row) for row in rest] or [_named([""] * count, header)]


def _named(header: Sequence[str], row: Sequence[str]) -> str:
    return ", ".join(f"{name}: {cell}" if name else cell for name, cell in zip(header, row, strict=True) if cell)


def _is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(inner)]
