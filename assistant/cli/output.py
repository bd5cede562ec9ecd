"""What commands print: results on stdout (one JSON document with --json), everything else on stderr."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

out = Console()
err = Console(stderr=True)


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
    """Print a table, or one line that says there is nothing to show."""
    if not rows:
        out.print(f"{title}: none yet.", markup=False)
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        # An id is there to be copied into the next command: rather two lines than an ellipsis.
        table.add_column(column, overflow="fold" if column == "id" else "ellipsis")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(table)
