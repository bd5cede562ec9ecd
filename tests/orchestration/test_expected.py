"""What speaks against the words that a reader marked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.orchestration.expected import CANNOT, doubt
from assistant.orchestration.read import read
from knowledge.reader import Reading
from knowledge.types import Passage
from tests.turn.conftest import passage


def doubted(question: str, text: str, words: str, title: str = "Handbook", heading: str = "") -> float:
    given = passage(1, text, title, heading)
    at = text.index(words)
    return doubt(question, given, Reading(3.0, at, at + len(words)))


LAMP = "The lamp weighs 12lbs and costs $40. It is 6 feet tall and lasts 3 years."


@pytest.mark.parametrize(
    ("question", "words", "kept"),
    [
        ("How tall is the lamp?", "12lbs", False),
        ("How tall is the lamp?", "6", True),  # its unit follows
        ("What is the height of the lamp?", "$40", False),
        ("How heavy is the lamp?", "12lbs", True),
        ("How heavy is the lamp?", "6 feet", False),
        ("How much does the lamp weigh?", "$40", False),
        ("How much does the lamp cost?", "$40", True),
        ("How much does the lamp cost?", "12lbs", False),
        ("How old is the lamp?", "3 years", True),
        ("How many years does the lamp last?", "6 feet", False),
        ("What is the lamp like?", "12lbs", True),
        ("How long is the lamp?", "3 years", True),  # long in feet or in years
    ],
)
def test_a_quantity_of_another_kind_is_no_answer(question: str, words: str, kept: bool) -> None:
    assert (doubted(question, LAMP, words) < CANNOT) is kept


@pytest.mark.parametrize(
    ("question", "text", "words", "doubtful"),
    [
        ("How tall is the lamp?", "Lamp | 250.0", "250.0", True),
        ("How much does the lamp cost?", "The lamp is a great choice for reading.", "reading", True),
        ("How much does the lamp cost?", "The lamp is free.", "free", False),
        ("How tall is the lamp?", "The lamp is six feet tall.", "six feet", False),
        ("When was the height of the lamp changed?", "It was changed in 1993.", "1993", False),
        ("How old is Ada?", "Ada is 36.", "36", False),
    ],
)
def test_a_size_without_a_unit_is_doubtful(question: str, text: str, words: str, doubtful: bool) -> None:
    assert (doubted(question, text, words) > 0) is doubtful


@pytest.mark.parametrize(
    ("question", "text", "words", "kept"),
    [
        ("Who is the CEO?", "Ada Byron, CEO of Acme", "Acme", False),
        ("Who is the CEO?", "Ada Byron, CEO of the Acme", "Acme", False),
        ("Who is the CEO?", "Ada Byron, CEO of Acme", "Ada Byron", True),
        ("Who is the CEO?", "Only the CEO may do so.", "the CEO", False),
        ("Who is the CEO of Acme?", "The Chief Executive Officer leads Acme.", "Chief Executive Officer", False),
        ("Who is the CEO of Acme?", "It is signed by both the CEO and you.", "both the CEO and you", False),
        ("Who is the CEO?", "The Chief Operating Officer (COO) leads.", "Chief Operating Officer (COO)", False),
        ("Who is the Chief Executive Officer?", "The COO leads Acme.", "The COO", False),
        ("Who is the CEO?", "Act as an advisor to the CEO", "an advisor", False),
        ("Who is the CEO?", "Ask B, our CEO.", "B", True),
        ("Who is our chief technology officer?", "Ada Byron, CTO", "Ada Byron, CTO", True),
        ("Who was the king?", "Henry, King of Norway", "Norway", False),
        ("Who was the king of Norway?", "Haakon of Norway", "Haakon", True),
        ("Who leads Acme?", "The CEO of Acme does.", "Acme", True),  # a role is not asked for
        ("Who is the head of sales?", "Ask Ada, who works for Bob in sales.", "Bob", True),
    ],
)
def test_what_a_role_belongs_to_and_the_role_itself_are_nobody(
    question: str, text: str, words: str, kept: bool
) -> None:
    assert (doubted(question, text, words) < CANNOT) is kept


@pytest.mark.parametrize(
    ("question", "text", "kept"),
    [
        ("Who is eligible for parental leave?", "An employee of 4 years will be eligible for a sabbatical.", False),
        ("Who is eligible for parental leave?", "An employee of 4 years is eligible for leave of that kind.", True),
        ("Who is eligible for parental leave?", "An employee of 4 years is eligible for it.", True),
        ("Who is eligible for parental leave?", "An employee of 4 years gets it.", True),
        ("Who gets parental leave?", "An employee of 4 years is eligible for a sabbatical.", True),
    ],
)
def test_who_is_eligible_for_another_thing_is_no_answer(question: str, text: str, kept: bool) -> None:
    assert (doubted(question, text, "An employee of 4 years", "Parental leave") < CANNOT) is kept
    assert doubted(question, text, "An employee of 4 years", "Benefits") < CANNOT  # which may have another name there


def test_things_that_the_passage_does_not_know_are_hardly_counted_there() -> None:
    asked, appeals = "How many vacation days do employees get?", "Employees appeal within 180 days."
    assert 0 < doubted(asked, appeals, "180") < CANNOT
    assert not doubted(asked, "Employees get 15 days.", "15", "Vacations")
    assert not doubted(asked, "Employees get 15 days.", "15", heading="HR > Vacation")
    assert not doubted("How many are there?", appeals, "180")


def test_an_example_is_not_the_rule() -> None:
    asked, text = "What is the deductible of Basic?", "For example, if Basic has a $500 deductible, you pay $500."
    assert 0 < doubted(asked, text, "$500") < CANNOT
    assert not doubted("What is an example of the deductible of Basic?", text, "$500")
    assert not doubted(asked, "The deductible of Basic is $2,000. For example, you pay $500.", "$2,000")


def test_the_rule_is_read_before_a_likelier_example() -> None:
    passages = [
        passage(1, "For instance, with a deductible of $500 in Basic, the other plan pays.", "Two plans"),
        passage(2, "The deductible of Basic is $2,000.", "Basic"),
    ]
    asked = "What is the deductible of Basic?"
    assert read(Marks(["$500", "$2,000"], [8.0, 6.5]), [asked], passages).words == "$2,000"
    assert read(Marks(["$500", "$2,000"], [12.0, 6.5]), [asked], passages).words == "$500"


def test_nobody_is_named_where_every_passage_names_nobody() -> None:
    given = [passage(1, "Only the CEO may do so.", "Powers")]
    assert not read(Marks(["the CEO"], [9.0]), ["Who is the CEO?"], given).sure


def test_an_empty_reading_and_a_long_question_are_not_doubted() -> None:
    assert not doubt("How tall is it?", passage(1, "Text."), Reading(-20.0, 0, 0))
    assert not doubted(f"How tall is the lamp {'of mine ' * 2_000}?", LAMP, "12lbs")


class Marks:
    """A reader that marks the words it is told, one for each passage, with their scores."""

    def __init__(self, words: list[str], scores: list[float]) -> None:
        self._told = list(zip(words, scores, strict=True))

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        places = [(p.text.index(words), words, score) for p, (words, score) in zip(passages, self._told, strict=True)]
        return [Reading(score, at, at + len(words)) for at, words, score in places]
