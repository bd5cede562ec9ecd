"""Whether an ensemble is worth its cost: how often it is right, beside the best of its members. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import comb
from typing import Literal

from pydantic import BaseModel, ConfigDict

# A difference this improbable by chance alone, were both equally good, counts as shown.
CHANCE = 0.05
_WORDS = re.compile(r"\w+")


class Figures(BaseModel):
    """How one of those that were asked did, over the questions of one measurement."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    right: tuple[bool, ...]  # in the order of the questions
    tokens: float  # read and written for one answer, of all calls together, on average
    seconds: float  # for one answer, on average

    @property
    def share(self) -> float:
        """Return how much of it was right, 0 to 1."""
        return sum(self.right) / len(self.right)


class Worth(BaseModel):
    """An ensemble beside its best member."""

    model_config = ConfigDict(frozen=True)

    verdict: Literal["better", "worse", "not shown"]
    questions: int
    right: float  # share of the questions
    best: str  # the member that was right most often
    best_right: float
    times_tokens: float | None  # of what the best member took; None where that took none
    times_seconds: float | None
    sentence: str


def holds(answer: str, expected: str) -> bool:
    """Return whether an answer holds the words that were expected, in their order and without others between them."""
    said, wanted = (" ".join(_WORDS.findall(text.casefold())) for text in (answer, expected))
    return bool(wanted) and f" {wanted} " in f" {said} "


def worth(ensemble: Figures, members: Sequence[Figures]) -> Worth:
    """Return what an ensemble brings; `members` is not empty, and all were asked the same questions."""
    best = max(members, key=lambda one: (one.share, -one.tokens))
    pairs = list(zip(ensemble.right, best.right, strict=True))
    won, lost = pairs.count((True, False)), pairs.count((False, True))
    shown = _by_chance(won, lost) < CHANCE
    verdict: Literal["better", "worse", "not shown"] = "not shown" if not shown else "better" if won > lost else "worse"
    tokens, seconds = _ratio(ensemble.tokens, best.tokens), _ratio(ensemble.seconds, best.seconds)
    told = {"better": "Better than", "worse": "Worse than", "not shown": "Not shown to be better than"}[verdict]
    costs = [f"{tokens:.1f} times its tokens" if tokens else "", f"{seconds:.1f} times its time" if seconds else ""]
    sentence = (
        f"{told} {best.name} alone: right {ensemble.share:.0%} of the time, {best.name} {best.share:.0%}, "
        f"on {len(pairs)} questions, for {' and '.join(filter(None, costs)) or 'an unknown cost'}"
    )
    return Worth(
        verdict=verdict,
        questions=len(pairs),
        right=ensemble.share,
        best=best.name,
        best_right=best.share,
        times_tokens=tokens,
        times_seconds=seconds,
        sentence=sentence,
    )


def _by_chance(won: int, lost: int) -> float:
    """Return how probable so uneven a split is where either outcome is as likely: the sign test, two-sided."""
    tried, rarer = won + lost, min(won, lost)
    return min(1.0, sum(comb(tried, n) for n in range(rarer + 1)) * 2 / float(2**tried))


def _ratio(one: float, other: float) -> float | None:
    return one / other if one and other else None
