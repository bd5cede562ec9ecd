"""Questions that ask for several things, and the list that an item of it answers."""

from __future__ import annotations

import pytest

from assistant.orchestration.listing import asks_for_several, listing

HOLIDAYS = """| New Year’s Day | January 1 |
| --- | --- |
| Labor Day | First Monday in September |
| Christmas Day | December 25 |

If a holiday falls on a weekend, we will let you know."""
LESSONS = """Ask your manager. Some of the lessons covered include:

• Skiing lessons
• Surfing lessons

• Riding lessons

These lessons are fun."""


@pytest.mark.parametrize(
    "question",
    [
        "Which holidays are observed?",
        "What holidays do we observe?",
        "Which lessons does it cover?",
        "What are the company values?",
        "List all holidays.",
        "Which public holidays does the company have?",
        "holidays",
        "core values",
    ],
)
def test_one_thing_alone_is_no_answer_to(question: str) -> None:
    assert asks_for_several(question)


@pytest.mark.parametrize(
    "question",
    [
        "When is Labor Day?",
        "Which class is used?",
        "Which of the teams did they beat?",
        "Which bus does she take?",
        "How many holidays are there?",
        "What is the address?",
        "Who observes holidays?",
        "sick leave",
        "the boss",
        "status",
    ],
)
def test_one_thing_answers(question: str) -> None:
    assert not asks_for_several(question)


def test_it_shows_the_table_that_holds_the_words_under_its_heading() -> None:
    said = listing(HOLIDAYS, "Labor Day", "Holidays")
    rows = ["New Year’s Day: January 1", "Labor Day: First Monday in September", "Christmas Day: December 25"]
    assert said == "\n- ".join(["Holidays: [1]", *rows])


@pytest.mark.parametrize("words", ["Surfing", "• Surfing lessons"])
def test_it_shows_the_list_that_holds_the_words_with_the_sentence_that_leads_to_it(words: str) -> None:
    assert listing(LESSONS, words, "Perks") == (
        "Some of the lessons covered include: [1]\n- Skiing lessons\n- Surfing lessons\n- Riding lessons"
    )


@pytest.mark.parametrize(
    ("text", "words", "why"),
    [
        (HOLIDAYS, "Easter", "other words"),
        (HOLIDAYS, "weekend", "words of a sentence"),
        ("• Skiing lessons", "Skiing", "one item"),
        ("\n".join(f"• Lesson number {n} of a long course" for n in range(30)), "number 3", "a list that is too long"),
        ("", "", "nothing"),
    ],
)
def test_there_is_none_around(text: str, words: str, why: str) -> None:
    assert listing(text, words, "Holidays") is None, why
