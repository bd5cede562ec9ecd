"""Fusion, as a pure function."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from knowledge.fuse import fuse
from knowledge.index import Hit

ROWS = st.integers(1, 50)
SHARE = st.floats(0, 1)


def hits(low: float, high: float) -> st.SearchStrategy[list[Hit]]:
    """Return lists of hits as an index gives them: each row once, best first."""
    scores = st.floats(low, high, allow_nan=False)
    return st.dictionaries(ROWS, scores, max_size=20).map(
        lambda found: [Hit(row, score) for row, score in sorted(found.items(), key=lambda item: (-item[1], item[0]))]
    )


DENSE, KEYWORD = hits(-1, 1), hits(0, 60)


@given(DENSE, KEYWORD, SHARE)
def test_returns_each_row_of_both_stages_once_with_what_they_said(
    dense: list[Hit], keyword: list[Hit], known: float
) -> None:
    fused = fuse(dense, keyword, known)
    assert sorted(hit.row for hit in fused) == sorted({hit.row for hit in dense} | {hit.row for hit in keyword})
    assert {hit.row: hit.dense for hit in fused if hit.dense is not None} == {hit.row: hit.score for hit in dense}
    assert {hit.row: hit.keyword for hit in fused if hit.keyword is not None} == {h.row: h.score for h in keyword}


@given(DENSE, KEYWORD, SHARE)
def test_scores_between_0_and_1_best_first(dense: list[Hit], keyword: list[Hit], known: float) -> None:
    scores = [hit.score for hit in fuse(dense, keyword, known)]
    assert all(0 <= score <= 1 for score in scores) and scores == sorted(scores, reverse=True)


@given(DENSE, KEYWORD, SHARE)
def test_does_not_depend_on_the_order_in_which_hits_are_given(
    dense: list[Hit], keyword: list[Hit], known: float
) -> None:
    assert fuse(dense[::-1], keyword[::-1], known) == fuse(dense, keyword, known)


@given(hits(0.01, 1), SHARE)
def test_keeps_the_order_of_the_only_stage_that_found_anything(found: list[Hit], known: float) -> None:
    assert [hit.row for hit in fuse(found, [], known)] == [hit.row for hit in found]
    assert [hit.row for hit in fuse([], found, known)] == [hit.row for hit in found]


@given(hits(0.01, 1), KEYWORD)
def test_follows_the_dense_stage_when_no_word_is_known(dense: list[Hit], keyword: list[Hit]) -> None:
    order = [hit.row for hit in fuse(dense, keyword, 0.0) if hit.dense is not None]
    assert order == [hit.row for hit in dense]


@given(DENSE, KEYWORD, SHARE, st.floats(0.01, 100))
def test_does_not_depend_on_the_scale_of_keyword_scores(
    dense: list[Hit], keyword: list[Hit], known: float, factor: float
) -> None:
    scaled = [Hit(hit.row, hit.score * factor) for hit in keyword]
    for one, other in zip(
        sorted(fuse(dense, keyword, known), key=lambda hit: hit.row),
        sorted(fuse(dense, scaled, known), key=lambda hit: hit.row),
        strict=True,
    ):
        assert math.isclose(one.score, other.score, abs_tol=1e-6)


@given(DENSE, KEYWORD, SHARE, st.integers(0, 45))
def test_gives_the_first_of_all_when_only_some_are_wanted(
    dense: list[Hit], keyword: list[Hit], known: float, limit: int
) -> None:
    assert fuse(dense, keyword, known, limit) == fuse(dense, keyword, known)[:limit]


def test_puts_a_hit_of_both_stages_before_one_that_leads_in_one() -> None:
    fused = fuse([Hit(1, 0.6), Hit(2, 0.55)], [Hit(3, 12.0), Hit(2, 11.0)], 1.0)
    assert fused[0].row == 2
