"""Sampling by name, for people who do not want to know what top-p is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Preset = Literal["precise", "balanced", "creative"]


@dataclass(frozen=True, slots=True)
class Manner:
    """What a preset sets; a request that sets one of these itself is followed."""

    temperature: float
    top_p: float
    min_p: float
    about: str  # one sentence


PRESETS: Mapping[Preset, Manner] = {
    "precise": Manner(0.0, 1.0, 0.0, "The most likely word each time: the same question gets the same answer."),
    "balanced": Manner(0.4, 0.9, 0.0, "A little variety, close to the documents."),
    "creative": Manner(0.9, 0.95, 0.05, "Free wording, for drafts and ideas."),
}
