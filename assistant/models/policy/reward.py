"""What an answer was worth, from its turn record and its rating."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.models.policy.learner import Experience
from assistant.models.policy.situation import ACTIONS, N_FEATURES, Decision

# What people say counts most; the rest tells answers apart that nobody rated.
RATED = 0.6
GROUNDED, ABSTAINED, DEGRADED = 0.2, -0.1, -0.4
SLOW, SLOW_S = -0.15, 20.0
WORDY, WORDY_TOKENS = -0.05, 400


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    features: tuple[float, ...] = Field(min_length=N_FEATURES, max_length=N_FEATURES)
    possible: tuple[int, ...] = Field(min_length=1)
    action: int = Field(ge=0, lt=len(ACTIONS))
    probability: float = Field(gt=0, le=1)
    table: int = Field(ge=0, lt=len(ACTIONS))


def reward(answer: Mapping[str, Any], rating: str | None) -> float:
    """Return -1..1 for an answer as the turn record has it: rating, grounding, latency and brevity."""
    worth = {"up": RATED, "down": -RATED}.get(rating or "", 0.0)
    worth += GROUNDED if answer.get("grounded") else 0.0
    worth += ABSTAINED if answer.get("abstained") else 0.0
    worth += DEGRADED if answer.get("degraded") else 0.0
    seconds = float((answer.get("timings_ms") or {}).get("total") or 0.0) / 1000
    tokens = int((answer.get("usage") or {}).get("output_tokens") or 0)
    worth += SLOW * min(seconds / SLOW_S, 1.0) + WORDY * min(tokens / WORDY_TOKENS, 1.0)
    return max(-1.0, min(1.0, worth))


def _answered_as_decided(decision: Decision, answer: Mapping[str, Any]) -> bool:
    route = answer.get("route") or {}
    tier, adapter = route.get("tier"), route.get("adapter")
    kind = "small" if tier == "fallback" else ("adapter" if adapter else "base") if tier == "domain" else tier
    return kind in (None, "none", ACTIONS[decision.action][0])


def experience(data: Mapping[str, Any], rating: str | None) -> Experience | None:
    """Return what a turn record teaches, None for a turn that was not routed by choice or came from memory.

    Nor does an answer teach that another kind of model gave than was decided on, as when that one did not answer: its
    worth is not that of the decision. What nobody answered, or the reader in a model's place, stays: so did the choice.
    """
    if data.get("cached") or not data.get("decision"):
        return None
    try:
        kept = _Kept.model_validate(data["decision"])
    except ValidationError:  # of another version, with other features or actions
        return None
    decision = Decision(kept.features, kept.possible, kept.action, kept.probability, kept.table)
    if not _answered_as_decided(decision, data.get("answer") or {}):
        return None
    return Experience(decision, reward(data.get("answer") or {}, rating))
