"""How much a word tells."""

from __future__ import annotations

from itertools import pairwise

from knowledge.rarity import rarity


def test_rare_words_tell_more_than_common_ones() -> None:
    told = [rarity(word) for word in ("time", "city", "leave", "employee", "coinsurance")]
    assert all(common < rare for common, rare in pairwise(told)) and told[0] > 0


def test_words_that_are_not_listed_tell_the_same_and_the_most() -> None:
    assert rarity("xqzzt") == rarity("coinsurance") > rarity("employee")
    assert rarity("28") > 0 and rarity("") > 0
