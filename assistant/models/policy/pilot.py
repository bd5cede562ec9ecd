"""The pilot: takes the decision table's choice, a tried one, or the learned one, and writes down which and why."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from assistant.models.decisions import Facts, Kind, Reading
from assistant.models.policy.learner import Actor
from assistant.models.policy.situation import ACTIONS, STRATEGIES, Decision, features


class Pilot:
    """Chooses an action per question; without an actor and without trying, always the table's."""

    def __init__(self, explore: float = 0.0, learned: bool = False, seed: int | None = None) -> None:
        """Try another choice in this share of the questions, 0..0.5; only if `learned` may an actor act at all."""
        self.explore = explore
        self._learned = learned
        self.actor: Actor | None = None
        self._random = random.Random(seed)

    def follow(self, actor: Actor | None) -> None:
        """Take over the actor that administrators chose, None for the table."""
        self.actor = actor if self._learned else None

    @property
    def flies(self) -> bool:
        """Return whether choices may differ from the table's."""
        return self.actor is not None or self.explore > 0

    def decide(self, facts: Facts, reading: Reading, usual: Kind, kinds: Sequence[Kind]) -> Decision:
        """Return what to do: `usual` is the kind that the table asks first, `kinds` those that can be asked now."""
        seen = features(facts, reading)
        possible = tuple(n for n, (kind, _) in enumerate(ACTIONS) if kind in kinds)
        table = ACTIONS.index((usual, STRATEGIES[0]))
        chances = np.zeros(len(ACTIONS))
        if self.actor is None:
            chances[table] = 1.0
        else:
            chances = self.actor.chances(seen, possible, table)
        chances = (1 - self.explore) * chances
        chances[list(possible)] += self.explore / len(possible)
        action = self._random.choices(range(len(ACTIONS)), weights=chances.tolist())[0]
        return Decision(seen, possible, action, float(chances[action]), table)
