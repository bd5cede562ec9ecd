"""Questions that name a document: its passages by turns, everything else as it was."""

from __future__ import annotations

import pytest

from knowledge.indexes import Indexes
from knowledge.named import within_named
from knowledge.search import Search
from knowledge.types import Collection, Passage, StageScores
from tests.knowledge.building import Store, scope


def passage(name: str, document: str, title: str, score: float, dense: float | None) -> Passage:
    return Passage(name, document, "c", title, "p", name, "", None, "", score, StageScores(dense, 1.0, score))


TENT = "Item 12 – Trail Tent"
FOUND = [
    passage("faq", "tent", TENT, 0.9, 0.5),
    passage("list", "csv", "products.csv", 0.8, 0.9),
    passage("guide", "tent", TENT, 0.7, 0.4),
    passage("size", "tent", TENT, 0.6, 0.8),
    passage("words", "tent", TENT, 0.5, None),
    passage("height", "tent", TENT, 0.4, 0.7),
]


def names(found: list[Passage]) -> list[str]:
    return [one.chunk_id for one in found]


def test_the_nearest_takes_turns_with_the_best_and_places_keep_their_scores() -> None:
    ordered = within_named("How much does the Trail Tent weigh?", FOUND)
    assert names(ordered) == ["size", "list", "faq", "height", "guide", "words"]
    assert [one.score for one in ordered] == [one.score for one in FOUND]


@pytest.mark.parametrize(
    "question",
    [
        "How much does the Lake Tent weigh?",
        "How much does the tent weigh?",
        "Trail Tent",  # nothing is asked besides
        "The Trail Tent?",
        "",
    ],
)
def test_a_document_that_is_not_named_keeps_its_order(question: str) -> None:
    assert within_named(question, FOUND) == FOUND


def test_one_word_is_no_name() -> None:
    found = [passage("a", "d", "Leave", 0.9, 0.1), passage("b", "d", "Leave", 0.8, 0.9)]
    assert within_named("How long is leave?", found) == found


async def test_a_search_brings_the_passage_that_is_meant(
    everyone: Collection, store: Store, indexes: Indexes, search: Search
) -> None:
    long = "trail tent trail tent weigh weigh " + " ".join(f"word{n}" for n in range(16))
    store(everyone, "Trail Tent", [long, "twelve pounds"])
    indexes.step()
    found = await search.search("how much does the trail tent weigh", scope("user:ann"), limit=3)
    assert found[0].scores.fused != max(one.scores.fused or 0 for one in found)  # meaning put it first
    assert found[0].text == "twelve pounds" and found[0].score == max(one.score for one in found)
