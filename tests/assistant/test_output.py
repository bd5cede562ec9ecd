"""What commands print, to a person on a terminal and to a program behind a pipe."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from assistant.cli import output

ANSWER = "You get **28 days** [1], see [example.org](https://example.org/list).\n\n- one [2]\n- two"


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
