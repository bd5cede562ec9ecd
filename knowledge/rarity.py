"""How much an English word tells: rare words tell texts apart, common ones hardly do.

The embedding model's vocabulary lists whole words by how often they occur, so the place in it is the measure.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache

from knowledge.embed import MODEL_FILE

_FIRST_WORD = 1996  # what comes before are control tokens, punctuation, letters and digits
_AS_COMMON = 60  # the commonest words tell equally little
_UNLISTED = 1.0  # more than the rarest word that is listed


def rarity(word: str) -> float:
    """Return how much the lower-case `word` tells, about 0.7 ("year") to 7.9 (a word that the vocabulary lacks)."""
    places = _places()
    place = places.get(word)
    if place is None:
        return _weight(max(places.values())) + _UNLISTED
    return _weight(place)


def _weight(place: int) -> float:
    return math.log(max(place - _FIRST_WORD, _AS_COMMON) / (_AS_COMMON / 2))


@lru_cache(maxsize=1)
def _places() -> Mapping[str, int]:
    vocabulary: dict[str, int] = json.loads(MODEL_FILE.with_name("tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    return vocabulary
