"""What the policy sees and what it may choose: a question as numbers, and a kind of model with a prompt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from assistant.models.decisions import Facts, Kind, Reading

Numbers = npt.NDArray[np.float64]
Strategy = Literal["usual", "strict"]  # the prompt of the route, or the strict one in its place

KINDS: tuple[Kind, ...] = ("adapter", "base", "small")
STRATEGIES: tuple[Strategy, ...] = ("usual", "strict")
ACTIONS: tuple[tuple[Kind, Strategy], ...] = tuple((kind, strategy) for kind in KINDS for strategy in STRATEGIES)
_LONG = math.log1p(100)  # words


@dataclass(frozen=True, slots=True)
class Decision:
    """How one question was routed, as the turn record keeps it: what off-policy evaluation needs."""

    features: tuple[float, ...]
    possible: tuple[int, ...]  # actions that could be taken
    action: int  # position in ACTIONS
    probability: float  # with which it was taken, above 0
    table: int  # what the decision table would have taken


def features(facts: Facts, reading: Reading) -> tuple[float, ...]:
    """Return a question as numbers of about 0..1, the first of them always 1."""
    closest = facts.domains[0].closeness if facts.domains else 0.0
    return (
        1.0,
        float(reading.difficulty == "easy"),
        float(reading.difficulty == "hard"),
        float(reading.domain == "one"),
        float(reading.domain == "several"),
        max(closest, 0.0),
        min(math.log1p(len(facts.question.split())) / _LONG, 1.0),
        float("?" in facts.question),
    )


N_FEATURES = 8


def governs(facts: Facts, reading: Reading) -> bool:
    """Return whether a question may be routed by what was learned: no demand of the caller, no stakes, no picture."""
    demands = facts.policy.privacy, facts.policy.budget, facts.policy.latency
    return demands == ("any", "any", "any") and reading.stakes == "low" and not facts.pictures
