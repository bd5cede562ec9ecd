"""Cells that a question names by row and column."""

from __future__ import annotations

import pytest

from assistant.orchestration.cell import cell_named
from assistant.orchestration.read import read
from knowledge.reader import Reading
from tests.orchestration.test_expected import Marks
from tests.turn.conftest import passage

RATES = passage(
    1,
    "By country:\n\n| Country | Full day | Half day |\n| --- | --- | --- |\n| Austria | 30 EUR | 15 EUR |\n"
    "| Germany | 28 EUR | 14 EUR |\n| United States | 59 USD | |\n| United Kingdom | 51 GBP | 25 GBP |\n\n"
    "Paid monthly.",
    "Travel",
    "Travel > Allowances",
)


def marked(words: str) -> Reading:
    at = RATES.text.index(words)
    return Reading(-9.0, at, at + len(words))


@pytest.mark.parametrize(
    ("question", "mark", "words", "said"),
    [
        ("What is the half day allowance in Germany?", "15 EUR", "14 EUR", "whole"),
        ("What is the half day allowance in Germany?", "28 EUR", "14 EUR", "whole"),
        ("What is the full day allowance for the United Kingdom?", "59 USD", "51 GBP", "whole"),
        ("What is the half day allowance in the United States?", "25 GBP", "25 GBP", "other"),  # it is not told
        ("What is the allowance in Germany?", "28 EUR", "28 EUR", "part"),
        ("What is the allowance in Germany?", "15 EUR", "15 EUR", "other"),
        ("What was the half day allowance in Germany in winter?", "15 EUR", "14 EUR", "part"),
        ("What was the half day allowance in Germany in winter?", "28 EUR", "28 EUR", "part"),  # its row at least
        ("What is the half day allowance in France?", "15 EUR", "15 EUR", "part"),
        ("Are Austria and Germany paid for a half day?", "15 EUR", "15 EUR", "part"),
        ("When is it paid in Germany?", "monthly", "monthly", "part"),
    ],
)
def test_a_reading_moves_to_the_cell_that_is_named(question: str, mark: str, words: str, said: str) -> None:
    found, told = cell_named(question, RATES, marked(mark))
    assert (RATES.text[found.start : found.end], told) == (words, said)


def test_no_other_row_is_an_answer_and_the_named_cell_is() -> None:
    found = read(Marks(["15 EUR"], [9.0]), ["What is the half day allowance in Germany?"], [RATES])
    assert found.sure and found.words == "14 EUR"
    assert read(Marks(["14 EUR"], [-9.0]), ["What is the half day allowance in Germany?"], [RATES]).sure
    assert not read(Marks(["15 EUR"], [9.0]), ["How much do we get in Germany?"], [RATES]).sure


@pytest.mark.parametrize("text", ["| a | b |\n| 1 | 2 |", "|\n| - |\n|", "| a |\n| - |\n| b |", "|" * 50_000, ""])
def test_what_is_no_table_changes_nothing(text: str) -> None:
    assert cell_named("What is a of b?", passage(1, text), Reading(1.0, 0, 1)) == (Reading(1.0, 0, 1), "part")
