"""What commands print, to a person on a terminal and to a program behind a pipe."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from assistant.cli import output

ANSWER = "You get **28 days** [1], see [example.org](https://example.org/list).\n\n- one [2]\n- two"


ID = "0123456789abcdef" * 2
ROWS = [
    [ID, "Leave policy of the company in all countries.pdf", "failed", True, 12, "It has a password; take it off."],
    [ID[::-1], "[red]odd[/] [/x]\x1b[2J.txt", "ready", False, 0, None],
]  # fmt: skip
COLUMNS = ["id", "title", "status", "admin", "chunks", "reason"]


def printed_table(
    monkeypatch: pytest.MonkeyPatch, width: int | None, columns: list[str], rows: list[list[object]]
) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=width is not None, color_system=None, width=width or 80)
    monkeypatch.setattr(output, "out", console)
    output.show_table("Documents", columns, rows)
    return re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())


@pytest.mark.parametrize("width", [50, 80, 100, 120, 200])
def test_a_table_cuts_nothing_and_breaks_no_id(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    shown = printed_table(monkeypatch, width, COLUMNS, ROWS)
    assert ID in shown and ID[::-1] in shown and "…" not in shown
    assert max(map(len, shown.splitlines())) <= width
    for word in ("policy", "countries.pdf", "password;", "failed", "yes", "12"):
        assert word in shown, word


def test_a_table_shows_a_row_a_line_where_a_program_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    title, header, _, first, second = printed_table(monkeypatch, None, COLUMNS, ROWS).splitlines()
    assert (title, header.split()) == ("Documents", COLUMNS)
    assert all(str(cell) in first for cell in ROWS[0] if cell is not True) and "yes" in first
    assert second.split()[1:3] == ["[red]odd[/]", "[/x]"] and "\x1b" not in second


def test_a_table_leaves_out_columns_without_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = printed_table(monkeypatch, 80, ["id", "groups", "reason"], [[ID, ["hr", "it"], None]])
    assert "reason" not in shown and "hr, it" in shown


def printed(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> str:
    file = io.StringIO()
    monkeypatch.setattr(output, "out", Console(file=file, force_terminal=terminal, color_system=None, width=80))
    output.show_answer(ANSWER)
    return file.getvalue()


def test_a_person_reads_an_answer_without_its_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = printed(monkeypatch, terminal=True)
    assert "28 days" in shown and "[1]" in shown and "https://example.org/list" in shown and "• one [2]" in shown
    assert "**" not in shown and "](" not in shown


def test_a_program_reads_it_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, terminal=False).split() == ANSWER.split()
