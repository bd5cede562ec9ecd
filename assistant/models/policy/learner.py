"""Discrete soft actor-critic for questions that end with one answer: two critics, one actor, one temperature.

An episode is one question, so the critics learn the reward itself. The actor is the softmax of linear scores; it is
rewarded for keeping its choice open (entropy), and the temperature of that reward follows a target. Haarnoja et al.
2018; Christodoulou 2019 for discrete actions. The smaller critic counts, which keeps the actor from what was seen
little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from assistant.models.policy.situation import ACTIONS, N_FEATURES, Decision, Numbers

ENTROPY_SHARE = 0.3  # of the entropy of a free choice, which the actor is to keep
OFTEN = 20  # times that an action was taken, before it can be judged
RIDGE = 1.0  # one pseudo-observation of nothing per feature and action


@dataclass(frozen=True, slots=True)
class Experience:
    """One question, how it was routed, and what became of it."""

    decision: Decision
    reward: float  # -1..1


class Actor(BaseModel):
    """The learned choice: scores of each action, linear in the features."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    scores: tuple[tuple[float, ...], ...] = Field(min_length=len(ACTIONS), max_length=len(ACTIONS))
    temperature: float = Field(gt=0)
    tried: tuple[int, ...]  # actions that were seen often enough to be judged; no other one is ever chosen

    @model_validator(mode="after")
    def _fits(self) -> Actor:
        if any(len(row) != N_FEATURES for row in self.scores):
            raise ValueError(f"each action has {N_FEATURES} scores")
        return self

    def chances(self, features: Sequence[float], possible: Sequence[int], table: int) -> Numbers:
        """Return the probability of every action, 0 for those that are not possible or were not tried.

        They sum to 1; where nothing possible was tried, it is the table's choice.
        """
        return _softmax(np.asarray(self.scores) @ np.asarray(features), _open(possible, self.tried, table))


def learn(experiences: Sequence[Experience], steps: int = 400, rate: float = 0.5, seed: int = 0) -> Actor:
    """Return the actor that experiences teach; the same ones and the same seed teach the same."""
    draw = np.random.default_rng(seed)
    states = np.array([one.decision.features for one in experiences], np.float64)  # (n, features)
    halves = draw.permutation(len(experiences)) % 2
    critics = [_critic([one for one, half in zip(experiences, halves, strict=True) if half != n]) for n in (0, 1)]
    values = np.minimum(states @ critics[0].T, states @ critics[1].T)  # (n, actions)
    taken = [one.decision.action for one in experiences]
    tried = tuple(action for action in range(len(ACTIONS)) if taken.count(action) >= OFTEN)
    open_to = np.zeros_like(values, bool)
    for row, one in enumerate(experiences):
        open_to[row, _open(one.decision.possible, tried, one.decision.table)] = True
    scores, log_temperature = np.zeros((len(ACTIONS), N_FEATURES)), np.log(0.1)
    wanted = ENTROPY_SHARE * np.log(np.maximum(open_to.sum(axis=1), 1)).mean()
    for _ in range(steps):
        temperature = np.exp(log_temperature)
        logits = np.where(open_to, states @ scores.T, -np.inf)
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        logs = np.where(open_to, np.log(np.maximum(chances, 1e-12)), 0.0)
        # The gradient of sum(pi * (q - t * log pi)) through a softmax: advantage times chance.
        gain = np.where(open_to, values - temperature * logs, 0.0)
        advantage = gain - (chances * gain).sum(axis=1, keepdims=True)
        scores += rate * ((chances * advantage).T @ states / len(states)) / temperature
        entropy = -(chances * logs).sum(axis=1).mean()
        log_temperature = float(np.clip(log_temperature + 0.05 * (wanted - entropy), np.log(0.01), np.log(1.0)))
    kept = tuple(tuple(float(value) for value in row) for row in scores)
    return Actor(scores=kept, temperature=float(np.exp(log_temperature)), tried=tried)


def critic(experiences: Sequence[Experience]) -> Numbers:
    """Return the expected reward of each action, linear in the features: shape (actions, features)."""
    return _critic(experiences)


def _critic(experiences: Sequence[Experience]) -> Numbers:
    found = np.zeros((len(ACTIONS), N_FEATURES))
    for action in range(len(ACTIONS)):
        taken = [one for one in experiences if one.decision.action == action]
        if taken:
            states = np.array([one.decision.features for one in taken], np.float64)
            rewards = np.array([one.reward for one in taken], np.float64)
            found[action] = np.linalg.solve(states.T @ states + RIDGE * np.eye(N_FEATURES), states.T @ rewards)
    return found


def _open(possible: Sequence[int], tried: Sequence[int], table: int) -> list[int]:
    return [action for action in possible if action in tried] or [table]


def _softmax(logits: Numbers, possible: Sequence[int]) -> Numbers:
    chances = np.zeros(len(logits))
    open_to = list(possible)
    raised = np.exp(logits[open_to] - logits[open_to].max())
    chances[open_to] = raised / raised.sum()
    return chances
