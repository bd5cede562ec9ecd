"""The rules of the grounding check: weights and thresholds, fitted on labelled questions and kept in rules.yaml."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).with_name("rules.yaml")


class Weights(BaseModel):
    """A logistic rule: features to a probability, and from where on it holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(ge=0, le=1)
    bias: float
    weights: dict[str, float]

    def probability(self, features: Mapping[str, float]) -> float:
        """Return 0..1; features without a weight do not count, a weight without its feature raises KeyError."""
        total = self.bias + sum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))


class Rules(BaseModel):
    """Everything that is fitted rather than written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    span: Weights  # a bare answer stands in a passage, at a place that is about the question
    statement: Weights  # a sentence says what a passage says
    # Questions in other languages than the rules were fitted on: their thresholds are this share of the fitted ones.
    foreign_share: float = Field(default=0.35, ge=0, le=1)
    better_by: float = Field(ge=0, le=1)  # another passage takes over a citation when it is that much more probable


@lru_cache(maxsize=4)
def load(path: Path = FILE) -> Rules:
    """Return the rules of a YAML file; raises ValueError (pydantic's) when one is missing or unknown."""
    return Rules.model_validate(yaml.safe_load(path.read_text("utf-8")))
