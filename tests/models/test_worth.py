"""Whether an ensemble is worth its cost."""

from __future__ import annotations

import pytest

from assistant.models.worth import Figures, holds, worth


def figures(name: str, right: str, tokens: float = 100, seconds: float = 1) -> Figures:
    return Figures(name=name, right=tuple(each == "+" for each in right), tokens=tokens, seconds=seconds)


def test_one_that_is_right_more_often_than_its_best_member_is_better() -> None:
    found = worth(figures("all", "+" * 10, 300, 2.5), [figures("weak", "-" * 10), figures("best", "+++-------")])
    assert (found.verdict, found.best, found.best_right) == ("better", "best", 0.3)
    assert (found.times_tokens, found.times_seconds) == (3.0, 2.5)
    assert found.sentence == (
        "Better than best alone: right 100% of the time, best 30%, on 10 questions, "
        "for 3.0 times its tokens and 2.5 times its time"
    )


@pytest.mark.parametrize(
    ("ensemble", "member", "verdict"),
    [("++++-----", "-++++----", "not shown"), ("+++++", "-----", "not shown"), ("------", "++++++", "worse")],
)
def test_a_difference_that_chance_may_have_made_shows_nothing(ensemble: str, member: str, verdict: str) -> None:
    assert worth(figures("all", ensemble), [figures("one", member)]).verdict == verdict


def test_of_two_that_are_right_as_often_the_cheaper_one_is_the_best() -> None:
    assert worth(figures("all", "++"), [figures("dear", "+-", 200), figures("cheap", "-+", 50)]).best == "cheap"


def test_a_cost_that_is_not_known_is_left_out() -> None:
    assert worth(figures("all", "+"), [figures("one", "+", 0, 0)]).sentence.endswith("for an unknown cost")


def test_a_right_answer_holds_the_words_that_were_expected() -> None:
    assert holds("It is **26 weeks**, at full pay.", "26 Weeks")
    assert not holds("It is 126 weeks.", "26 weeks") and not holds("26 long weeks", "26 weeks")
    assert not holds("anything", "?!")
