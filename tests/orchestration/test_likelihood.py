"""How likely a passage answers: what of the question stands around the reader's words, and what that changes."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from assistant.guardrails.support import Question
from assistant.orchestration.likelihood import features, load, words
from assistant.orchestration.read import read
from knowledge.reader import OnnxReader, Reading
from tests.turn.conftest import PASSAGES, passage

LEAVE = "How many days of paid leave do employees get?"
POLICY = (
    "The office is in Berlin. Managers approve travel. Staff book trains. Employees get 25 days of paid leave. "
    "The rest expires. The gym opens at six. Guests pay 5 EUR."
)


def seen(question: str, text: str, answer: str, score: float = 0.0, title: str = "Handbook") -> dict[str, float]:
    """Return the features of `answer` in a passage."""
    at = text.index(answer)
    return features(Question(question), passage(1, text, title), Reading(score, at, at + len(answer)))


def test_it_counts_what_stands_around_the_answer_and_in_its_sentence() -> None:
    near, next_to, far = (seen(LEAVE, POLICY, answer) for answer in ("25", "rest", "six"))
    assert near["sentence"] == near["around"] == 1.0
    assert next_to["sentence"] < next_to["around"] == 1.0
    assert far["around"] == far["sentence"] == 0.0


def test_it_counts_titles_and_headings() -> None:
    text = "There are 25 of them."
    assert seen("How many holidays are there?", text, "25", title="Holidays")["sentence"] == 1.0
    assert seen("How many holidays are there?", text, "25")["sentence"] == 0.0


def test_it_counts_rare_words_more() -> None:
    question, text = "Does the coinsurance end in the first year?", "The {} ends then. It is {}."
    rare = seen(question, text.format("coinsurance", "so"), "so")["around"]
    common = seen(question, text.format("year", "so"), "so")["around"]
    assert rare > common > 0


def test_it_does_not_look_for_the_words_of_the_answer() -> None:
    text = "Food is served. In the gym we have lunch."
    assert seen("Is lunch served in the gym?", text, "gym")["sentence"] == pytest.approx(
        seen("Is lunch served?", text, "gym")["sentence"]
    )


def test_it_counts_names_and_numbers_that_the_passage_lacks() -> None:
    text = "The plan of 2023 covers Berlin at 80 %."
    assert seen("What does the plan of 2023 cover in Berlin?", text, "80 %")["numbers"] == 0.0
    other = seen("What does the plan of 2019 cover in Lisbon?", text, "80 %")
    assert other["numbers"] == other["names"] == 1.0


@pytest.mark.parametrize("score", [-math.inf, math.inf])
def test_a_score_without_bounds_counts_as_much_as_a_large_one(score: float) -> None:
    assert math.isfinite(load().log_odds(seen(LEAVE, POLICY, "25", score)))


def test_it_takes_an_empty_passage() -> None:
    nothing = passage(1, "")
    assert features(Question(LEAVE), nothing, Reading(-math.inf, 0, 0))["around"] < 1.0
    assert words(nothing, Reading(0.0, 0, 0)) == ""


def test_of_equal_scores_the_passage_that_is_about_the_question_is_likelier() -> None:
    rule = load()
    about = rule.log_odds(seen(LEAVE, POLICY, "25", -1.0))
    elsewhere = rule.log_odds(seen(LEAVE, POLICY, "six", -1.0))
    wrong_year = rule.log_odds(seen(LEAVE + " in 2019", POLICY, "25", -1.0))
    assert about > rule.sure > elsewhere and about > wrong_year


def test_a_rule_needs_its_limit(tmp_path: Path) -> None:
    (tmp_path / "rule.yaml").write_text("bias: 0.0\nweights: {}\n", "utf-8")
    with pytest.raises(ValidationError, match="sure"):
        load(tmp_path / "rule.yaml")


def test_the_reader_that_ships_is_believed_where_the_passage_has_what_was_asked() -> None:
    history = "In 1998 the company printed its first catalogue, which was sent to 400 customers by post."
    given = [*PASSAGES, passage(4, history, "History")]
    right = read(OnnxReader(), ["In what year did the company print its first catalogue?"], given)
    assert right.words == "1998" and right.sure
    for question in ("How many copies did the bakery print?", "Who is the head of marketing?"):
        assert not read(OnnxReader(), [question], given).sure
