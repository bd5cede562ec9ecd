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


def fuse(dense: Sequence[Hit], keyword: Sequence[Hit], known: float, limit: int | None = None) -> list[Fused]:
    """Return the best `limit` (None: all) of the union of both stages' hits, best first; equal scores by row.

    A score is a weighted mean of cosine and BM25, each as a share of its best in this search, so that how far apart
    hits are counts and not only their order. `known` (0..1) is the share of the question's words that the keyword
    index has ever seen: a question in another language than the texts is left to the dense stage.
    """
    near = {hit.row: hit.score for hit in dense}
    said = {hit.row: hit.score for hit in keyword}
    share = 1.0 if not said else 0.0 if not near else 1 - (1 - DENSE_SHARE) * min(1.0, max(0.0, known))
    lost = _parts(near, share)  # the negative of the scores, which sorts best first
    for row, part in _parts(said, 1 - share).items():
        lost[row] = lost.get(row, 0.0) + part
    best = sorted(zip(lost.values(), lost, strict=True))[:limit]
    return [Fused(row, abs(score), near.get(row), said.get(row)) for score, row in best]


def _parts(scores: dict[int, float], share: float) -> dict[int, float]:
    """Return -`share` for the best of `scores`, and as much less for the others as they are worse, up to 0."""
    best = max(scores.values(), default=0.0)
    return {row: -share * (score / best) if best > 0 and score > 0 else 0.0 for row, score in scores.items()}
