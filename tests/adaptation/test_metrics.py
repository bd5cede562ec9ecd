from __future__ import annotations

import pytest

from assistant.adaptation.metrics import (
    bootstrap,
    citations,
    difference,
    exact_match,
    score,
    summary,
    token_f1,
    without_citations,
)

ABSTENTION = "The documents do not say."


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("France [2].", [2]), ("One [1] and two [3][1].", [1, 3]), ("Both [1, 2].", [1, 2]), ("None.", []), ("[x]", [])],
)
def test_it_reads_citations_once_each_in_order(text: str, numbers: list[int]) -> None:
    assert citations(text) == numbers


def test_it_takes_citations_out_with_the_blank_before_them() -> None:
    assert without_citations("in 1911 [2], in Paris [1].") == "in 1911, in Paris."


@pytest.mark.parametrize(
    ("answer", "references", "f1"),
    [
        ("the Norse", ["Norse"], 1.0),
        ("Norse raiders from Denmark", ["Norse raiders"], 2 / 3),
        ("Paris", ["London"], 0.0),
        ("Paris", ["London", "paris!"], 1.0),
        ("", ["London"], 0.0),
    ],
)
def test_it_scores_token_f1_as_squad_does(answer: str, references: list[str], f1: float) -> None:
    assert token_f1(answer, references) == pytest.approx(f1)


def test_it_ignores_articles_case_and_punctuation_in_an_exact_match() -> None:
    assert exact_match("The 10th century.", ["10th Century"]) == 1
    assert exact_match("10th", ["10th century"]) == 0


def test_it_scores_an_answer_by_the_passage_it_cites() -> None:
    right = score("308 points [2].", ["308"], [2], True, ABSTENTION)
    wrong = score("308 points [1].", ["308"], [2], True, ABSTENTION)
    assert (right.citation_precision, right.citation_recall) == (1, 1)
    assert (wrong.citation_precision, wrong.citation_recall) == (0, 0)
    assert score("308 [1][2].", ["308"], [2], True, ABSTENTION).citation_precision == 0.5
    assert score("308.", ["308"], [2], True, ABSTENTION).citation_precision == 0


def test_it_counts_an_abstention_as_right_only_where_nothing_is_said() -> None:
    false = score(ABSTENTION, ["308"], [2], True, ABSTENTION)
    assert false.abstained
    assert false.f1 == 0
    true = score(ABSTENTION, [], [], False, ABSTENTION)
    assert true.abstained
    assert true.f1 == 1
    assert not score("308 [1].", [], [], False, ABSTENTION).abstained


def test_it_sums_up_each_metric_over_the_answers_it_concerns() -> None:
    scored = [
        score("308 [2].", ["308"], [2], True, ABSTENTION),
        score(ABSTENTION, ["1911"], [1], True, ABSTENTION),
        score(ABSTENTION, [], [], False, ABSTENTION),
        score("Paris [1].", [], [], False, ABSTENTION),
    ]
    found = summary(scored)
    assert found["token_f1"].mean == 0.5
    assert found["citation_precision"].mean == 1
    assert found["false_abstentions"].mean == 0.5
    assert found["abstention_recall"].mean == 0.5
    assert found["citation_precision"].n == 1
    assert "token_f1" not in summary(scored[2:])


def test_it_gives_an_interval_that_holds_the_mean_and_narrows_with_more_answers() -> None:
    few, many = bootstrap([0.0, 1.0] * 10), bootstrap([0.0, 1.0] * 500)
    assert few.low < few.mean == many.mean == 0.5 < few.high
    assert many.high - many.low < few.high - few.low
    assert bootstrap([0.0, 1.0] * 10) == few


def test_it_pairs_differences() -> None:
    assert difference([0.0] * 20, [1.0] * 20).low == 1
