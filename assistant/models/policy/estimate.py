"""How a policy would have done on questions that another one routed: doubly robust, against the decision table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from assistant.models.policy.learner import Actor, Experience, critic, learn
from assistant.models.policy.situation import ACTIONS, Numbers

FOLDS = 3
FEWEST = 200  # experiences
FEWEST_EFFECTIVE = 50.0  # of them, as importance weights leave
SURE = 1.96  # standard errors of a 95 % interval
MOST_WEIGHT = 50.0  # of one experience


@dataclass(frozen=True, slots=True)
class Estimate:
    """A policy against the table; rewards are -1..1."""

    experiences: int
    effective: float  # experiences that count after weighting: (sum of weights)^2 / sum of squares
    table: float  # reward of the table
    learned: float  # reward of the policy
    gain: float  # learned - table
    low: float  # of the gain, 95 %
    high: float

    @property
    def good(self) -> bool:
        """Return whether the policy may act: enough was seen, and even the lower bound is above the table."""
        return self.experiences >= FEWEST and self.effective >= FEWEST_EFFECTIVE and self.low > 0

    def sentence(self) -> str:
        """Return the verdict for people."""
        if self.experiences < FEWEST:
            return f"{self.experiences} routed questions are too few to judge it; {FEWEST} are needed"
        if self.effective < FEWEST_EFFECTIVE:
            return f"Too little of what it would choose was ever tried ({self.effective:.0f} answers' worth)"
        verdict = "better than the table" if self.low > 0 else "not shown to be better than the table"
        return f"It is {verdict}: {self.gain:+.3f} reward per answer, 95 % between {self.low:+.3f} and {self.high:+.3f}"

    def json(self) -> dict[str, object]:
        """Return it as JSON."""
        return {**asdict(self), "good": self.good, "sentence": self.sentence()}


def estimate(experiences: Sequence[Experience], seed: int = 0) -> Estimate:
    """Return how what is learned from such experiences does: each third is judged by what the others teach."""
    order = np.random.default_rng(seed).permutation(len(experiences))
    gains, tables, weights = list[float](), list[float](), list[float]()
    for fold in range(FOLDS if len(experiences) >= FOLDS * 2 else 0):
        held = [experiences[place] for place in order[fold::FOLDS]]
        rest = [experiences[place] for n in range(FOLDS) if n != fold for place in order[n::FOLDS]]
        actor, expected = learn(rest, seed=seed), critic(rest)
        for one in held:
            learned, table, weight = _one(one, actor, expected)
            gains.append(learned - table)
            tables.append(table)
            weights.append(weight)
    if not gains:
        return Estimate(len(experiences), 0.0, 0.0, 0.0, 0.0, -1.0, 1.0)
    gain, usual = float(np.mean(gains)), float(np.mean(tables))
    error = float(np.std(gains, ddof=1) / np.sqrt(len(gains)))
    squares = float(np.square(weights).sum())
    effective = float(np.sum(weights)) ** 2 / squares if squares else 0.0
    return Estimate(
        len(experiences), effective, usual, usual + gain, gain, gain - SURE * error, gain + SURE * error
    )  # fmt: skip


def _one(one: Experience, actor: Actor, expected: Numbers) -> tuple[float, float, float]:
    """Return the doubly robust reward of the policy and of the table for one question, and the policy's weight."""
    decision = one.decision
    values = expected @ np.asarray(decision.features)
    chances = actor.chances(decision.features, decision.possible, decision.table)
    table = np.zeros(len(ACTIONS))
    table[decision.table] = 1.0
    surprise = one.reward - values[decision.action]
    weight = min(float(chances[decision.action]) / decision.probability, MOST_WEIGHT)
    usual = min(float(table[decision.action]) / decision.probability, MOST_WEIGHT)
    learned = float(chances @ values) + weight * surprise
    return learned, float(table @ values) + usual * surprise, weight
