"""Passages on a terminal: their tables in columns."""

from __future__ import annotations

from assistant.cli.ask import SHOWN, shortened
from assistant.cli.passage_tables import readable

TEXT = "By region.\n| Region | Days | |\n| --- | ---: | --- |\n| North | 28 |\n| a \\| b | 5 | x |\n\nSee HR."


def test_a_table_is_aligned_columns() -> None:
    assert readable(TEXT, 80).splitlines() == [
        "By region.",
        "Region  Days",
        "North   28",
        "a | b   5     x",
        "",
        "See HR.",
    ]


def test_a_table_that_is_too_wide_names_its_columns_in_each_row() -> None:
    assert readable(TEXT, 12).splitlines()[1:3] == ["Region: North, Days: 28", "Region: a | b, Days: 5, x"]


def test_what_is_no_table_stays_as_it_is() -> None:
    for text in ("a | b", "| one |", "", "| a |\n| b |"):
        assert readable(text, 80) == text


def test_a_long_passage_ends_with_a_word() -> None:
    assert shortened("word " * 20) == "word " * 20
    cut = shortened("word " * 100)
    assert cut.endswith("word …") and len(cut) <= SHOWN + 2
    assert shortened("x" * 400) == "x" * SHOWN + " …"
