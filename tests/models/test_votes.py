from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.models.votes import Ballot, likeness, majority, ranked, same

ballots = st.lists(
    st.builds(
        Ballot,
        st.sampled_from(["", "Paris", "paris [1].", "Lyon", "The city of Lyon", "Rome", "Rome and Lyon"]),
        st.sampled_from([0.5, 1.0, 2.0, 3.0]),
    ),
    max_size=9,
)
METHODS = pytest.mark.parametrize("method", [majority, ranked])
# Votes take microseconds; on a busy machine a deadline would measure its other work.
any_time = settings(deadline=None)


def of(*texts: str) -> list[Ballot]:
    return [Ballot(text) for text in texts]


def winner(method: object, found: list[Ballot]) -> str:
    outcome = method(found)  # type: ignore[operator]
    assert outcome is not None
    return found[outcome.winner].text


def test_most_voters_win_whatever_dress_their_answer_wears() -> None:
    found = of("Rome", "Paris [1].", "the paris")
    assert winner(majority, found) == "Paris [1]."
    outcome = majority(found)
    assert outcome is not None and (outcome.agreeing, outcome.voting) == (2, 3)


def test_weight_beats_number() -> None:
    assert winner(majority, [Ballot("A1", 3), Ballot("B1"), Ballot("B1")]) == "A1"


def test_a_tie_goes_to_more_voters_and_then_to_the_first_in_the_list() -> None:
    assert winner(majority, [Ballot("A1", 2), Ballot("B1"), Ballot("B1")]) == "B1"
    assert winner(majority, of("B1", "A1")) == "B1"
    assert winner(ranked, of("B1", "A1")) == "B1"


def test_a_ranked_vote_prefers_what_is_close_to_many() -> None:
    found = of("red", "blue green", "blue green yellow", "blue yellow", "red")
    assert winner(majority, found) == "red"
    assert winner(ranked, found) == "blue green yellow"


@METHODS
def test_nobody_wins_without_a_vote(method: object) -> None:
    assert method([]) is None and method(of("", " [1] ", "...")) is None  # type: ignore[operator]


@METHODS
@any_time
@given(ballots)
def test_the_winner_is_a_voter_who_said_something(method: object, found: list[Ballot]) -> None:
    outcome = method(found)  # type: ignore[operator]
    voting = [ballot for ballot in found if same(ballot.text)]
    assert (outcome is None) == (not voting)
    if outcome is not None:
        assert same(found[outcome.winner].text) and 1 <= outcome.agreeing <= outcome.voting == len(voting)


@METHODS
@any_time
@given(ballots, st.sampled_from([0.25, 2.0, 10.0]))
def test_only_the_ratio_of_weights_counts(method: object, found: list[Ballot], factor: float) -> None:
    assert method(found) == method([replace(one, weight=one.weight * factor) for one in found])  # type: ignore[operator]


@any_time
@given(ballots, st.randoms())
def test_the_order_of_voters_decides_nothing_but_ties(found: list[Ballot], shuffle: object) -> None:
    weights: dict[str, float] = {}
    for ballot in found:
        if same(ballot.text):
            weights[same(ballot.text)] = weights.get(same(ballot.text), 0) + ballot.weight
    if sorted(weights.values())[-2:-1] == sorted(weights.values())[-1:] or not weights:
        return
    mixed = list(found)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    assert same(winner(majority, found)) == same(winner(majority, mixed))


@any_time
@given(ballots)
def test_more_than_half_of_the_weight_always_wins(found: list[Ballot]) -> None:
    total = sum(ballot.weight for ballot in found) + 1
    assert winner(majority, [*found, Ballot("Oslo", total)]) == "Oslo"


@METHODS
@any_time
@given(ballots)
def test_an_empty_ballot_changes_nothing(method: object, found: list[Ballot]) -> None:
    assert method([*found, Ballot("", 99)]) == method(found)  # type: ignore[operator]


def test_likeness_is_the_share_of_common_words() -> None:
    assert likeness("a b", "b a") == 1.0 and likeness("a b", "b c") == pytest.approx(1 / 3)
    assert likeness("a", "b") == 0.0 and likeness("", "") == 1.0
