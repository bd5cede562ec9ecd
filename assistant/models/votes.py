"""Votes over answers: pure functions. Answers that say the same in other dress count as one candidate.

Ties, in this order: more weight of the voters who gave that very answer, more of those voters, the answer that was
given by the voter who stands first in the list. So the same ballots in the same order always have the same winner.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_CITATION = re.compile(r"\[\d+\]")
_NOT_WORD = re.compile(r"[^\w]+")
_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Ballot:
    """One voter's answer; an empty one does not count."""

    text: str
    weight: float = 1.0  # above 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who won."""

    winner: int  # position of the first ballot that gave the winning answer
    agreeing: int  # ballots that gave it
    voting: int  # ballots that were not empty


def same(text: str) -> str:
    """Return what two answers have in common that say the same: no citations, case, punctuation or articles."""
    plain = _CITATION.sub(" ", unicodedata.normalize("NFKC", text)).casefold()
    return " ".join(word for word in _NOT_WORD.split(plain) if word and word not in _ARTICLES)


def majority(ballots: Sequence[Ballot]) -> Outcome | None:
    """Return the answer with the most weight behind it; None when every ballot is empty."""
    return _won(ballots, lambda candidates: dict.fromkeys(candidates, 0.0))


def ranked(ballots: Sequence[Ballot]) -> Outcome | None:
    """Return the winner of a Borda count in which each voter ranks all answers by their likeness to its own.

    An answer that is close to many others can win over one that was given word for word more often. None when every
    ballot is empty.
    """

    def points(candidates: dict[str, list[int]]) -> dict[str, float]:
        keys = list(candidates)
        found = dict.fromkeys(keys, 0.0)
        for key, voters in candidates.items():
            weight = sum(ballots[voter].weight for voter in voters)
            liking = {other: likeness(key, other) for other in keys}
            for other in keys:
                below = sum(liking[one] < liking[other] for one in keys)
                level = sum(liking[one] == liking[other] for one in keys) - 1
                found[other] += weight * (below + level / 2)
        return found

    return _won(ballots, points)


def likeness(one: str, other: str) -> float:
    """Return the share of words that two texts have in common, 0..1; 1 for the same words."""
    mine, theirs = set(one.split()), set(other.split())
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 1.0


def candidates_of(ballots: Sequence[Ballot]) -> dict[str, list[int]]:
    """Return each candidate with the positions of the ballots that gave it, in order of first mention."""
    candidates: dict[str, list[int]] = {}
    for position, ballot in enumerate(ballots):
        if key := same(ballot.text):
            candidates.setdefault(key, []).append(position)
    return candidates


def _won(ballots: Sequence[Ballot], points: Callable[[dict[str, list[int]]], dict[str, float]]) -> Outcome | None:
    candidates = candidates_of(ballots)
    if not candidates:
        return None
    score = points(candidates)

    def order(key: str) -> tuple[float, float, int, int]:
        voters = candidates[key]
        # Rounded, so that the order in which weights were added up does not decide.
        return round(score[key], 9), round(sum(ballots[voter].weight for voter in voters), 9), len(voters), -voters[0]

    best = max(candidates, key=order)
    return Outcome(candidates[best][0], len(candidates[best]), sum(map(len, candidates.values())))
