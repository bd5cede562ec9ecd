"""Votes by measured skill, and by what recorded answers have taught."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.models.domains import Domains
from assistant.models.ensembles import Vote, read
from assistant.models.errors import RoutingInvalid
from assistant.models.registry import Registry
from assistant.models.stacking import Recorded, Stack, accuracy_weight, features, learn, stacked
from assistant.models.votes import Ballot
from assistant.types import Caller, Turn, TurnOptions
from knowledge.embed import HashEmbedder
from knowledge.types import Scope

from .test_council import ASKED, lane

TASKS = {"law": ["Which court decides about a lease"], "cooking": ["How long does rice boil in water"]}


def spoken(*texts: str) -> tuple[Ballot, ...]:
    return tuple(Ballot(text) for text in texts)


def recorded(questions: int) -> list[Recorded]:
    """Answers of three members: the first is right nine times of ten, the others agree on what is wrong."""
    draw, rows = random.Random(3), []
    for _ in range(questions):
        right = draw.random() < 0.9
        rows.append(Recorded(spoken("yes" if right else "no", "no" if right else "yes", "no" if right else "yes"),
                             (right, not right, not right)))  # fmt: skip
    return rows


def test_it_learns_whom_to_believe_against_the_majority() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is of the extra `train`")
    stack = learn(["a", "b", "c"], recorded(60))
    outcome = stacked(spoken("Rome", "Paris", "Paris"), stack)
    assert outcome is not None and outcome.winner == 0 and (outcome.agreeing, outcome.voting) == (1, 3)
    assert stacked(spoken("", "", ""), stack) is None
    assert Stack.model_validate_json(stack.model_dump_json()) == stack


def test_it_does_not_learn_from_too_little() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is of the extra `train`")
    with pytest.raises(RoutingInvalid, match="20 questions"):
        learn(["a", "b", "c"], recorded(5))
    same = [Recorded(spoken("yes", "yes"), (True, True))] * 30
    with pytest.raises(RoutingInvalid, match="right and wrong"):
        learn(["a", "b"], same)


def test_a_candidate_is_known_by_who_gave_it() -> None:
    assert features(spoken("Paris", "Rome", "paris [1]."), "paris")[:4] == [1.0, 0.0, 1.0, 2 / 3]


def test_skill_becomes_weight() -> None:
    assert accuracy_weight(0.9) > 2 * accuracy_weight(0.7) > 0
    assert accuracy_weight(0.5) == accuracy_weight(0.1) == accuracy_weight(0.0) > 0 and accuracy_weight(1.0) < 10


async def test_the_member_that_is_good_at_the_task_wins() -> None:
    members: Any = [
        {"model": "judge", "skill": {"law": 0.95, "cooking": 0.5}},
        {"model": "cook", "skill": {"law": 0.55, "cooking": 0.95}},
        {"model": "both", "skill": {"law": 0.55, "cooking": 0.55}},
    ]
    vote = Vote.model_validate({"kind": "vote", "name": "committee", "about": "Votes.", "method": "weighted",
                                "members": members, "tasks": TASKS})  # fmt: skip
    for question, said in (("Which court decides about the lease", "Rome"), ("How long does the rice boil", "Oslo")):
        lanes = [lane("judge", ["Rome"]), lane("cook", ["Oslo"]), lane("both", ["Bern"])]
        registry = Registry(lanes, ensembles=[vote], domains=Domains(HashEmbedder().embed))
        caller = Caller("u", "Ann", Scope(frozenset({"everyone"})))
        choice = await registry.choose(Turn("1", question, (), caller, TurnOptions(model="committee")))
        assert [piece async for piece in choice.model.stream(ASKED)][0].text == said


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"method": "stacked"}, "`stack` is the file"),
        ({"method": "weighted"}, "needs `tasks`"),
        ({"members": [{"model": "a", "skill": {"law": 0.5}}, {"model": "b"}]}, "the task law"),
        ({"method": "stacked", "stack": "nowhere.json"}, "cannot be read"),
        ({"method": "stacked", "stack": "other.json"}, "other members"),
    ],
)
def test_it_refuses_a_vote_that_cannot_be_counted(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    other = Stack(members=("x", "y"), coefficients=(0, 0, 0, 0, 0), intercept=0, questions=30)
    (tmp_path / "other.json").write_text(other.model_dump_json())
    change = {name: str(tmp_path / value) if name == "stack" else value for name, value in change.items()}
    one = {"kind": "vote", "name": "v", "about": "x", "members": [{"model": "a"}, {"model": "b"}], **change}
    (tmp_path / "e.yaml").write_text(yaml.safe_dump({"ensembles": [one]}))
    with pytest.raises(RoutingInvalid, match=reason):
        read(tmp_path / "e.yaml")
