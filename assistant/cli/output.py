"""What commands print: results on stdout (one JSON document with --json), everything else on stderr."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

out = Console()
err = Console(stderr=True)
_GAP = 2  # columns of the terminal between two columns of a table
_READABLE = 20  # characters of a text that wraps, at least
_UNBROKEN = 36  # characters of a UUID; our own ids have 32


class Failed(Exception):
    """A command could not do its work; the sentence is for the person who typed it. Exit status 1."""


def note(text: str) -> None:
    """Say something about progress on stderr."""
    err.print(text, style="dim", highlight=False, markup=False)


def show_json(value: Any) -> None:
    """Print one JSON document on stdout and nothing else."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def show_answer(text: str) -> None:
    """Print an answer, which is Markdown: as a person reads it on a terminal, as it is where a program reads."""
    if not out.is_terminal:
        out.print(text, markup=False, highlight=False)
        return
    from rich.markdown import Markdown  # noqa: PLC0415 - a tenth of a second, which other commands need not wait for

    out.print(Markdown(text, hyperlinks=False))


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table, or one line that says there is nothing to show. No value is cut, and no id or name is broken.

    Behind a pipe each row is one line, as wide as it is. On a terminal texts wrap between words; where even that does
    not fit, each row is a block of one line per column. Columns without a value are left out.
    """
    if not rows:
        out.print(f"{title}: none yet.", markup=False)
        return
    cells = [[_cell(cell) for cell in row] for row in rows]
    kept = [at for at in range(len(columns)) if any(row[at] for row in cells)]
    names, cells = [columns[at] for at in kept], [[row[at] for at in kept] for row in cells]
    columns_of_cells = list(zip(names, *cells, strict=True))
    whole = [max(map(cell_len, column)) for column in columns_of_cells]
    words = [max(map(_longest_word, column)) for column in columns_of_cells]
    needed = [max(word, min(most, _READABLE)) for word, most in zip(words, whole, strict=True)]
    gaps = _GAP * (len(names) - 1)
    room = (out.width if out.is_terminal else sum(whole) + gaps) - gaps
    out.print(Text(title, style="bold"))
    if sum(needed) > room:
        for row in cells:
            out.print(_block(names, row))
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0), header_style="bold")
    for name, width in zip(names, _shared_out(room, needed, whole), strict=True):
        table.add_column(name, width=width, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    (out if out.is_terminal else Console(file=out.file, width=room + gaps)).print(table)


def _shared_out(room: int, needed: Sequence[int], whole: Sequence[int]) -> list[int]:
    """Return the widths of columns: what each needs, and what is left to the narrowest that would take more."""
    widths = list(needed)
    for _ in range(room - sum(needed)):
        short = [at for at in range(len(widths)) if widths[at] < whole[at]]
        if short:
            widths[min(short, key=widths.__getitem__)] += 1
    return widths


def when(moment: float) -> str:
    """Return a time, given in seconds since the epoch, as this machine's clock shows it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def _block(names: Sequence[str], row: Sequence[str]) -> Table:
    block = Table.grid(padding=(0, _GAP, 0, 0))
    block.add_column(style="bold", no_wrap=True)
    block.add_column(overflow="fold")
    for name, cell in zip(names, row, strict=True):
        if cell:
            block.add_row(name, Text(cell))
    block.add_row("")
    return block


def _cell(value: object) -> str:
    """Return a value as a person reads it: without characters that would steer the terminal."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else "".join(c if c.isprintable() else " " for c in str(value))


def _longest_word(text: str) -> int:
    """Return how wide a column must be for this text; a word of more than an id's length may be broken."""
    return max((min(cell_len(word), _UNBROKEN) for word in text.split()), default=0)
