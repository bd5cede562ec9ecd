from __future__ import annotations

import pytest

from assistant.models.errors import ModelRefused
from assistant.models.routes import ANY, Card, choose
from assistant.types import Route


def card(name: str, tier: str, healthy: bool = True) -> Card:
    return Card(name, Route(name, None, tier, ""), 8192, healthy, tools=True)  # type: ignore[arg-type]


BIG, SMALL, VISION = card("big", "domain"), card("small", "fallback"), card("vision", "other")


def names(wanted: str, *cards: Card) -> list[str]:
    return [chosen.name for chosen in choose(wanted, cards)]


def test_it_asks_the_domain_tier_first_and_the_fallback_then() -> None:
    assert names(ANY, SMALL, VISION, BIG) == ["big", "small"]


def test_it_asks_a_sick_model_last() -> None:
    assert names(ANY, card("big", "domain", healthy=False), SMALL) == ["small", "big"]


def test_it_asks_a_named_model_first_and_the_tiers_after_it() -> None:
    assert names("small", BIG, SMALL) == ["small", "big"]
    assert names("vision", BIG, SMALL, VISION) == ["vision", "big", "small"]


def test_it_uses_an_other_model_when_there_is_nothing_else() -> None:
    assert names(ANY, VISION) == ["vision"]


@pytest.mark.parametrize("wanted", ["gpt-9", "", "Big", "a" * 1000])
def test_it_refuses_a_name_that_does_not_exist(wanted: str) -> None:
    with pytest.raises(ModelRefused, match="There is no model") as caught:
        choose(wanted, [BIG, SMALL])
    assert len(str(caught.value)) < 300


def test_it_says_when_there_is_no_model_at_all() -> None:
    with pytest.raises(ModelRefused, match="No model is configured"):
        choose(ANY, [])
