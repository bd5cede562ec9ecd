"""Two ways to answer the same questions: one number for each answer, and the paired difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.adaptation.metrics import Interval, Scored, bootstrap, difference


@dataclass(frozen=True, slots=True)
class Beside:
    """What two ways to answer are worth on the same questions, 0..1, with 95 % intervals."""

    questions: int
    new: Interval
    live: Interval
    difference: Interval  # new - live; 0 within it: not shown to differ


def worth(scored: Scored) -> float:
    """Return what an answer is worth, 0..1: 1 for a right abstention, else its token F1 where it cites what says so.

    An answer without the right source is worth nothing: a turn would not show it.
    """
    if not scored.answerable or scored.abstained:
        return scored.f1
    return scored.f1 if scored.citation_recall else 0.0


def compare(new: Sequence[Scored], live: Sequence[Scored]) -> Beside:
    """Return both worths over the answers to the same tasks, of which there is at least one."""
    ours, theirs = [worth(one) for one in new], [worth(one) for one in live]
    return Beside(len(ours), bootstrap(ours), bootstrap(theirs), difference(theirs, ours))
