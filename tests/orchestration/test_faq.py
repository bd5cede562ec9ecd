"""Pages of questions and answers."""

from __future__ import annotations

import pytest

from assistant.orchestration.faq import answered
from assistant.orchestration.read import read
from tests.orchestration.test_read import Odds
from tests.readings import SURE
from tests.turn.conftest import passage

STOVE = passage(
    1,
    "3) How long does a canister last with the stove?\nUp to two hours.\n\n4) Can I use the camping stove indoors?\n"
    "It is made for the open air. Keep it outside.\n\nQ: Is the stove insured?\nA: It is not. Ask us.\n\n"
    "Any ideas?\nMore?",
    "Stove",
    "Help > What does a stove cost?",
)
MANUAL = passage(2, "The stove burns propane. It is not for indoors.", "Manual")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Can the camping stove be used indoors?", "It is made for the open air."),
        ("Is the stove insured?", "It is not."),
        ("Is the stove insured in Norway?", None),
        ("How long does a canister last with the oven?", None),
        ("Can a tent be used indoors?", None),
        ("Any ideas?", None),  # one word, and no answer follows
        ("How long does a canister last with the stove?", "Up to two hours."),
        ("Up to two hours.", None),
    ],
)
def test_the_answer_follows_the_same_question(question: str, said: str | None) -> None:
    assert answered(question, STOVE) == said


def test_a_heading_can_ask_it() -> None:
    heading = passage(1, "Fifty euros. Bags are extra.", "Stove", "Help > What does a stove cost?")
    assert answered("What does the stove cost?", heading) == "Fifty euros."


def test_it_comes_before_what_the_reader_found() -> None:
    odds = Odds({"c1": SURE - 3, "c2": SURE + 3})
    found = read(odds, ["Can the camping stove be used indoors?"], [MANUAL, STOVE])
    assert (found.passage, found.sure) == (STOVE, True)
    assert found.explanation == "It is made for the open air. [1] Keep it outside. [1]"
    assert read(odds, ["Can the camping stove be sold?"], [MANUAL, STOVE]).passage == MANUAL
