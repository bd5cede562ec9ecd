"""The order of a search and a reranker's look at it, weighed together."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from knowledge.rerank import RERANKED, reordered
from knowledge.types import Passage


@dataclass
class Told:
    """A reranker that is told its scores, and keeps what it was shown."""

    scores: list[float]
    name: str = "told"

    def score(self, query: str, texts: list[str]) -> list[float]:
        self.shown = texts
        return self.scores[: len(texts)]


def found(scores: list[float]) -> list[Passage]:
    return [Passage(f"c{n}", "d", "", "Title", "", f"text {n}", "", None, "", score) for n, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("share", "order"), [(0.0, ["c0", "c1", "c2"]), (1.0, ["c2", "c1", "c0"]), (0.35, ["c1", "c0", "c2"])]
)
def test_the_share_says_how_much_the_second_look_counts(share: float, order: list[str]) -> None:
    judged = reordered(Told([0.1, 0.9, 0.95]), share, "q", found([1.0, 0.8, 0.4]))
    assert [one.chunk_id for one in judged] == order
    assert {one.chunk_id: one.scores.rerank for one in judged} == {"c0": 0.1, "c1": 0.9, "c2": 0.95}
    scores = [one.score for one in judged]
    assert scores == sorted(scores, reverse=True) and all(0.4 <= score <= 1.0 for score in scores)


def test_passages_are_shown_with_their_title_and_those_that_are_not_shown_stay_behind() -> None:
    many = found([1 - n / 100 for n in range(RERANKED + 3)])
    reranker = Told([n / 100 for n in range(RERANKED)])
    judged = reordered(reranker, 1.0, "q", many)
    assert reranker.shown[0] == "Title\ntext 0" and len(reranker.shown) == RERANKED
    assert [one.chunk_id for one in judged[RERANKED:]] == [one.chunk_id for one in many[RERANKED:]]
    assert judged[0].chunk_id == many[RERANKED - 1].chunk_id
    assert judged[RERANKED - 1].score >= judged[RERANKED].score and judged[RERANKED].scores.rerank is None


@pytest.mark.parametrize("scores", [[0.5], [0.0, 1.0], [0.3, 0.3, 0.3]])
def test_equal_and_certain_scores_decide_nothing_wrongly(scores: list[float]) -> None:
    judged = reordered(Told(scores), 0.35, "q", found([0.7] * len(scores)))
    assert all(one.score == pytest.approx(0.7) for one in judged)
