"""One reply from several models, token by token: the linear opinion pool of their next-token distributions.

Stone 1961, "The opinion pool"; for language models Jiang et al. 2023 call it "token-level fusion". Each model tells its
20 most probable tokens; what is not among them counts as 0, which for greedy decoding changes nothing in practice: a
token that wins the average is among the first of some model.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence

from assistant.models.types import Sampling

ALTERNATIVES = 20  # tokens that each model tells
UNFINISHED = "\ufffd"  # stands in a token that is only part of a character
_END = re.compile(r"<\|[^|>]*\|>|</s>|<eos>|<end_of_turn>")

Distribution = Mapping[str, float]


def distribution(likely: Sequence[tuple[str, float]]) -> Distribution:
    """Return probabilities by token from log probabilities; several tokens with one text count together."""
    found: dict[str, float] = {}
    for token, log_probability in likely:
        found[token] = found.get(token, 0.0) + math.exp(log_probability)
    return found


def pooled(distributions: Sequence[Distribution], weights: Sequence[float]) -> Distribution:
    """Return the weighted mean of distributions."""
    pool: dict[str, float] = {}
    for found, weight in zip(distributions, weights, strict=True):
        for token, probability in found.items():
            pool[token] = pool.get(token, 0.0) + probability * weight / sum(weights)
    return pool


def drawn(pool: Distribution, sampling: Sampling, dice: random.Random) -> str:
    """Return the token that `sampling` takes from a pool, which is not empty: the likeliest at temperature 0.

    Temperature, top-k, top-p and min-p work as in an engine, in this order.
    """
    ranked = sorted(pool.items(), key=lambda each: (-each[1], each[0]))
    if sampling.temperature <= 0:
        return ranked[0][0]
    heated = [(token, probability ** (1 / sampling.temperature)) for token, probability in ranked if probability > 0]
    total = sum(probability for _, probability in heated)
    kept, mass = list[tuple[str, float]](), 0.0
    for token, probability in heated[: sampling.top_k or None]:
        if kept and (mass >= sampling.top_p or probability < sampling.min_p * heated[0][1]):
            break
        kept.append((token, probability))
        mass += probability / total
    return dice.choices([token for token, _ in kept], [probability for _, probability in kept])[0]


def ends(token: str) -> bool:
    """Return whether a token ends the reply: the control tokens of the usual models."""
    return _END.fullmatch(token) is not None


class Growing:
    """A reply that grows token by token until one of `stops` stands in it."""

    def __init__(self, stops: Sequence[str]) -> None:
        """Begin with nothing said."""
        self._stops = [stop for stop in stops if stop]
        self._shown = 0
        self.said = ""
        self.stopped = False

    def add(self, token: str) -> str:
        """Return what may be shown now; what may yet turn out to be the beginning of a stop string is held back."""
        self.said += token
        found = [at for stop in self._stops if (at := self.said.find(stop)) >= 0]
        if found:
            self.said, self.stopped = self.said[: min(found)], True
            return self.rest()
        held = max((_overlap(self.said, stop) for stop in self._stops), default=0)
        return self._upto(len(self.said) - held)

    def rest(self) -> str:
        """Return what was held back, at the end of the reply."""
        return self._upto(len(self.said))

    def _upto(self, end: int) -> str:
        ready, self._shown = self.said[self._shown : end], max(self._shown, end)
        return ready


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of `text` are the beginning of `stop`."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
