"""Questions for yes or no, and the sentence that tells."""

from __future__ import annotations

import pytest

from assistant.orchestration.assertion import asks_yes_or_no, assertion
from assistant.orchestration.read import read
from tests.orchestration.test_read import Odds
from tests.readings import SURE
from tests.turn.conftest import passage

DUTY = passage(
    1,
    "Bereavement\n\nThree days are granted.\n\nJury Duty or Summons\n\nEmployees are granted up to 3 days of paid time"
    " to serve on a jury. Check in with your founder when jury duty lasts less than four hours. Bring the summons.",
    "Other Absences",
)
LEAVE = passage(2, "Who serves on a jury is paid by the state. Ask for it in time.", "Leave")
TABLE = passage(
    3, "| Labor Day | First Monday in September |\n| --- | --- |\n| Memorial Day | Last Monday in May |", "Holidays"
)
PERKS = passage(
    4, "The budget covers a range of activities:\n\n- Yoga classes\n- Gym memberships\n\nAsk first.", "Perks"
)


@pytest.mark.parametrize(
    ("question", "can"),
    [
        ("Is jury duty paid?", True),
        ("are emails private", True),
        ("Can I expense a PC?", True),
        ("Does the budget roll over?", True),
        ("Is it paid or unpaid?", False),
        ("Is there a pension plan?", False),
        ("How is jury duty paid?", False),
        ("Isolation rooms", False),
        ("", False),
    ],
)
def test_a_yes_or_a_no_is_asked_for(question: str, can: bool) -> None:
    assert asks_yes_or_no(question) is can


@pytest.mark.parametrize(
    ("question", "found"),
    [
        # The sentence with the predicate, though the next one has more of the words.
        ("Is jury duty paid?", "Employees are granted up to 3 days of paid time to serve on a jury."),
        ("Is jury duty taxed?", None),
        ("Is bereavement leave taxed?", None),
        ("Is it?", None),
        ("Is jury duty?", "Check in with your founder when jury duty lasts less than four hours."),
    ],
)
def test_it_is_the_sentence_that_is_about_all_that_was_asked(question: str, found: str | None) -> None:
    told = assertion(question, DUTY)
    assert (told and told[0]) == found


def test_title_and_heading_say_a_part_of_it_but_not_most() -> None:
    assert assertion("Is Memorial Day a holiday?", TABLE) is not None
    assert assertion("Are public holidays paid?", passage(1, "They are paid.", "Public Holidays")) is None
    far = passage(1, "Emails are kept for a year. Nobody reads them. They are deleted. Lockers are private.", "Rules")
    assert assertion("Are emails private?", far) is None


def test_a_heading_says_nothing() -> None:
    assert assertion("Is email private?", passage(1, "Email Is Not Private\n\nAsk us.", "Rules")) is None


def test_a_question_says_nothing() -> None:
    text = "- Is the backpack waterproof?\n\nThe backpack is made of nylon. However, it is not completely waterproof."
    told = assertion("Is the backpack waterproof?", passage(1, text, "Backpack"))
    assert told is not None and told[0] == "However, it is not completely waterproof."
    assert assertion("Is the backpack waterproof?", passage(1, "- Is the backpack waterproof?", "Tents")) is None


def test_it_is_told_whatever_the_reader_finds_likely() -> None:
    unsure = Odds({"c1": SURE - 3, "c2": SURE - 1})
    found = read(unsure, ["Is jury duty paid?"], [DUTY, LEAVE])
    assert found.sure and found.passage == DUTY and found.explanation is not None
    assert found.explanation.startswith("Employees are granted up to 3 days of paid time to serve on a jury. [1] Check")
    assert found.told == "The answer stands in Other Absences"
    assert not read(unsure, ["Is jury duty taxed?"], [DUTY, LEAVE]).sure
    sure = Odds({"c1": SURE - 3, "c2": SURE + 5})
    assert read(sure, ["Is jury duty paid?"], [DUTY, LEAVE]).passage == DUTY


@pytest.mark.parametrize(("log_odds", "sure"), [(SURE + 1.9, False), (SURE + 2.1, True)])
def test_without_it_the_reader_has_to_be_surer_than_of_other_questions(log_odds: float, sure: bool) -> None:
    odds = Odds({"c1": SURE - 3, "c2": log_odds})
    found = read(odds, ["Is jury duty taxed?"], [DUTY, LEAVE])
    assert (found.sure, found.passage) == (sure, LEAVE)
    assert read(odds, ["How is jury duty taxed?"], [DUTY, LEAVE]).sure


def test_a_row_is_told_as_one_and_an_item_below_what_leads_to_it() -> None:
    unsure = Odds({"c3": SURE - 3, "c4": SURE - 3})
    row = read(unsure, ["Is Memorial Day a holiday?"], [TABLE])
    assert (row.sure, row.words, row.explanation) == (True, "Memorial Day", None)
    item = read(unsure, ["Are yoga classes covered?"], [PERKS])
    assert item.explanation == "The budget covers a range of activities: [1]\n- Yoga classes"
    bare = passage(4, "Cuba\n\n- Cuba\n- Iran\n- Syria", "Nomads", "Nomads > Countries without work")
    told = read(unsure, ["Can I work from Cuba, a country?"], [bare])
    assert told.explanation == "Countries without work: [1]\n- Cuba"
    whole = passage(4, "Tips\n\n- Mental health is not covered.\n- Ask first.", "Blood Products")
    told = read(unsure, ["Is mental health covered?"], [whole])
    assert told.explanation == "Mental health is not covered. [1]"
