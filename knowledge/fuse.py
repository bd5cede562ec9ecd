"""Fusion of the dense and the keyword hits into one ranking. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.index import Hit

# The dense stage's share of a score when the keyword index knows all the question's words. Chosen on five retrieval
# sets, where anything from 0.3 to 0.5 beats both stages on each of them, which no reciprocal rank fusion does
# (docs/experiments/2026-11-fusion.md).
DENSE_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Fused:
    """A chunk with what each stage said of it."""

    row: int
    score: float  # 0..1: 1 is best in both stages
    dense: float | None  # cosine; None where the dense stage could not say
    keyword: float | None  # BM25; None where the keyword stage did not return it


def fuse(dense: Sequence[Hit], keyword: Sequence[Hit], known: float) -> list[Fused]:
    """Return the union of the hits of both stages, best first; equal scores by row.

    A score is a weighted mean of cosine and BM25, each as a share of its best in this search, so that how far apart
    hits are counts and not only their order. `known` (0..1) is the share of the question's words that the keyword
    index has ever seen: a question in another language than the texts is left to the dense stage.
    """
    near = {hit.row: hit.score for hit in dense}
    said = {hit.row: hit.score for hit in keyword}
    share = 1.0 if not said else 0.0 if not near else 1 - (1 - DENSE_SHARE) * min(1.0, max(0.0, known))
    nearest, most = max(near.values(), default=0.0), max(said.values(), default=0.0)
    scores = {row: share * _part(score, nearest) for row, score in near.items()}
    for row, score in said.items():
        scores[row] = scores.get(row, 0.0) + (1 - share) * _part(score, most)
    best = sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))
    return [Fused(row, score, near.get(row), said.get(row)) for row, score in best]


def _part(score: float, best: float) -> float:
    part = score / best if best > 0 else 0.0
    return min(1.0, part) if part > 0 else 0.0
