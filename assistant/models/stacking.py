"""A meta-model over answers: learned from recorded answers with a verdict, it tells which candidate is right.

What is learned are the coefficients of a logistic regression, kept as JSON: nothing of it can run. scikit-learn is
needed to learn, not to answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.models.errors import RoutingInvalid
from assistant.models.votes import Ballot, Outcome, candidates_of, likeness

FEWEST = 20  # questions to learn from
_OWN = ("share", "likeness", "length")  # features besides one per member


class Stack(BaseModel):
    """What was learned: one coefficient per member that gave the answer, and those of `features`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    members: tuple[str, ...] = Field(min_length=2, max_length=9)
    coefficients: tuple[float, ...]
    intercept: float
    questions: int = Field(ge=0)  # that it was learned from

    @model_validator(mode="after")
    def _fits(self) -> Stack:
        if len(self.coefficients) != len(self.members) + len(_OWN):
            raise ValueError("`coefficients` must have one number per member and three more")
        return self


@dataclass(frozen=True, slots=True)
class Recorded:
    """The answers of all members to one question, in their order, and which of them are right."""

    ballots: tuple[Ballot, ...]
    right: tuple[bool, ...]


def read(path: Path) -> Stack:
    """Return what was learned. Raises RoutingInvalid."""
    try:
        return Stack.model_validate_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as exc:
        raise RoutingInvalid(f"What was learned cannot be read from {path}: {exc}. Learn it again.") from exc


def features(ballots: Sequence[Ballot], key: str) -> list[float]:
    """Return what is known of one candidate: who gave it, the share of voters, how like the others, how long."""
    found = candidates_of(ballots)
    voters, voting = found[key], sum(map(len, found.values()))
    gave = [float(place in voters) for place in range(len(ballots))]
    others = [likeness(key, other) for other in found if other != key]
    return [*gave, len(voters) / voting, sum(others) / len(others) if others else 1.0, math.log1p(len(key.split()))]


def stacked(ballots: Sequence[Ballot], stack: Stack) -> Outcome | None:
    """Return the candidate that is most likely right; a tie goes to the voter who stands first. None without any."""
    found = candidates_of(ballots)
    if not found:
        return None

    def score(key: str) -> tuple[float, int]:
        known = zip(stack.coefficients, features(ballots, key), strict=True)
        return round(sum(weight * value for weight, value in known) + stack.intercept, 9), -found[key][0]

    best = max(found, key=score)
    return Outcome(found[best][0], len(found[best]), sum(map(len, found.values())))


def learn(members: Sequence[str], recorded: Sequence[Recorded]) -> Stack:
    """Return what recorded answers teach. Raises RoutingInvalid for too few, or when scikit-learn is missing."""
    try:
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # noqa: PLC0415  optional, no stubs
    except ImportError as exc:
        raise RoutingInvalid("Learning needs scikit-learn: install the extra `train`.") from exc
    rows, verdicts = [], []
    for one in recorded:
        for key, voters in candidates_of(one.ballots).items():
            rows.append(features(one.ballots, key))
            verdicts.append(one.right[voters[0]])
    if len(recorded) < FEWEST or len(set(verdicts)) < 2:
        raise RoutingInvalid(f"Learning needs {FEWEST} questions or more, with right and wrong answers among them.")
    model = LogisticRegression(C=1.0, max_iter=1_000).fit(rows, verdicts)
    coefficients = tuple(float(value) for value in model.coef_[0])
    return Stack(
        members=tuple(members),
        coefficients=coefficients,
        intercept=float(model.intercept_[0]),
        questions=len(recorded),
    )


def accuracy_weight(accuracy: float) -> float:
    """Return the weight of a voter who is right that often, 0..1: the log odds, best for voters who err on their own.

    Nitzan and Paroush 1982. One that is right half of the time or less keeps a little weight, to break ties.
    """
    sure = min(max(accuracy, 0.0), 0.99)
    return max(math.log(sure / (1 - sure)) if sure > 0 else 0.0, 0.01)
