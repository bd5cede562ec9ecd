"""Which words of a right answer teach something, and which passages hold them."""

from __future__ import annotations

import pytest

from assistant.ratings.lesson import Lesson, lesson

PASSAGES = {
    "a": "Every employee has 28 days of paid leave a year. Unused days expire on 31 March.",
    "b": "A hotel is paid up to 140 euros per night.",
}
MARKS = {1: "a", 2: "b"}


def test_the_words_in_bold_are_the_answer_where_its_sentence_has_some() -> None:
    text = "Every employee has **28 days** of paid leave a year. [1]"
    assert lesson(text, MARKS, PASSAGES) == Lesson(("28 days",), ("a",), "")


def test_a_sentence_of_the_document_is_the_answer_where_nothing_is_bold() -> None:
    assert lesson("Unused days expire on 31 March [1].", MARKS, PASSAGES) == Lesson(
        ("Unused days expire on 31 March.",), ("a",), ""
    )


def test_several_sentences_are_one_answer_with_marks_in_the_order_of_their_passages() -> None:
    text = "A hotel is paid up to 140 euros per night [2]. Unused days expire on 31 March [1]."
    found = lesson(text, MARKS, PASSAGES)
    assert found is not None and found.gold == ("b", "a")
    assert found.cited == "A hotel is paid up to 140 euros per night [1]. Unused days expire on 31 March [2]."


@pytest.mark.parametrize(
    "text",
    [
        "You get four weeks of leave [1].",  # other words
        "A hotel is paid up to 140 euros per night [1].",  # the words of another passage than the cited one
        "Unused days expire on 31 March [1]. They are paid out [1].",  # one of two
        "Unused days expire on 31 March [3].",  # a mark of nothing
        "[1]",
        "",
    ],
)
def test_an_answer_in_words_that_are_not_there_teaches_nothing(text: str) -> None:
    assert lesson(text, MARKS, PASSAGES) is None


def test_an_answer_without_marks_may_stand_in_any_passage() -> None:
    assert lesson("140 euros per night.", {}, PASSAGES) == Lesson(("140 euros per night.",), ("b",), "")
