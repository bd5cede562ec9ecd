"""Entries that are named as what a question asks for."""

from __future__ import annotations

import pytest

from assistant.orchestration.entry import entry_named
from assistant.orchestration.read import read
from knowledge.reader import Reading
from tests.orchestration.test_expected import Marks
from tests.turn.conftest import passage

DAYS = passage(1, "| Labor Day | First Monday in September |\n| --- | --- |\n| Labor Day Eve | open |", "Holidays")
SPECS = passage(2, "Sizes\n\n- Weight: 5 lbs\n- Weight of the bag: 1 lb\nA heading\n", "Camping Stove", "Stove > Specs")


@pytest.mark.parametrize(
    ("question", "words", "named"),
    [
        ("When is Labor Day?", "September", True),
        ("When is Labor Day?", "Labor", False),  # its name
        ("When is Labor Day?", "open", False),  # of another day
        ("When is the holiday of Labor Day?", "First Monday", True),  # the title says the rest
        ("When is Labor Day in Canada?", "First Monday", False),
        ("When is the day?", "First Monday", False),
        ("When?", "First Monday", False),
    ],
)
def test_a_row_is_the_answer_where_it_is_called_what_was_asked_for(question: str, words: str, named: bool) -> None:
    at = DAYS.text.index(words)
    assert entry_named(question, DAYS, Reading(-9.0, at, at + len(words))) is named


@pytest.mark.parametrize(
    ("question", "words", "named"),
    [
        ("What is the weight?", "5 lbs", True),
        ("What is the weight?", "1 lb", False),
        ("What is the weight of the bag?", "1 lb", True),
        ("What is the weight?", "heading", False),
    ],
)
def test_a_line_with_a_name_counts_too(question: str, words: str, named: bool) -> None:
    at = SPECS.text.index(words)
    assert entry_named(question, SPECS, Reading(-9.0, at, at + len(words))) is named


def test_the_reader_is_believed_there_however_it_hesitates() -> None:
    assert read(Marks(["September"], [-9.0]), ["When is Labor Day?"], [DAYS]).sure
    assert not read(Marks(["September"], [-9.0]), ["When is Labor Day in Canada?"], [DAYS]).sure
    assert not read(Marks(["5 lbs"], [-9.0]), ["What is the height of the stove?"], [SPECS]).sure


def test_a_line_of_blanks_takes_no_time() -> None:
    # A number of steps that grows with the cube of the length would take minutes here.
    blanks = "|" + " " * 10_000 + "x"
    assert not entry_named("When is Labor Day?", passage(1, blanks), Reading(1.0, 10_001, 10_002))
