"""The fit of the reader's rule: on made-up readings it learns which signs count, and where the limit lies."""

from __future__ import annotations

import random

import pytest

from assistant.adaptation.tasks import Task
from benchmarks.reader_decision import ABSTENTION_RECALL, Look, Looks, fit, measured

DICE = random.Random(3)


def look(answers: bool) -> Look:
    """Make what is seen in a passage: its score tells a little, its words tell more, names tell nothing."""
    score, share = DICE.gauss(2.0 if answers else -2.0, 4), DICE.gauss(0.8 if answers else 0.3, 0.15)
    told = {"score": score, "around": share, "sentence": share, "names": float(DICE.random() < 0.2), "numbers": 0.0}
    return Look(told, float(answers), answers)


def made(kind: str) -> Looks:
    """Make a task of three passages, of which the first answers when it is answerable."""
    seen = [look(kind == "answerable"), look(False), look(False)]
    return Task(kind, kind, "?", (), (1,) if kind == "answerable" else (), ("x",)), seen


SEEN = [made(kind) for _ in range(150) for kind in ("answerable", "removed")]


def test_it_learns_which_signs_count_and_turns_down_as_many_as_it_is_told() -> None:
    rule = fit(SEEN)
    assert rule.weights["score"] > 0 and rule.weights["around"] + rule.weights["sentence"] > 1
    assert abs(rule.weights["names"]) < rule.weights["around"]
    values = measured(SEEN, rule.log_odds, rule.sure)
    assert values["abstention_recall"] == pytest.approx(ABSTENTION_RECALL, abs=0.01)


def test_it_measures_what_the_likeliest_passage_is_worth() -> None:
    rule = fit(SEEN)
    alone, ours = measured(SEEN, lambda told: told["score"], 0.0), measured(SEEN, rule.log_odds, rule.sure)
    assert ours["auc"] > alone["auc"] + 0.05 and ours["citation_precision"] > alone["citation_precision"]
    assert ours["token_f1"] <= 1 - ours["false_abstentions"]
    everything = measured(SEEN, rule.log_odds, -99.0)
    assert everything["false_abstentions"] == everything["abstention_recall"] == 0.0
