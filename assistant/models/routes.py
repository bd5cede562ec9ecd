"""Who is asked, in which order: a pure function of what was wished for and what there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assistant.models.errors import ModelRefused
from assistant.types import Route

ANY = "assistant"  # the name by which a caller leaves the choice to us

# The domain tier knows the most, the fallback answers when it cannot; other endpoints answer only when named.
_ORDER = {"domain": 0, "fallback": 1}


@dataclass(frozen=True, slots=True)
class Card:
    """What the choice needs to know of a model."""

    name: str  # unique; what a caller may ask for
    route: Route
    context_tokens: int
    healthy: bool
    tools: bool


def choose(wanted: str, cards: Iterable[Card]) -> tuple[Card, ...]:
    """Return the models to ask, first choice first: the named one, then the tiers in order, healthy ones before others.

    Never empty. Raises ModelRefused (code "model_not_found") when there is no model of that name, or none at all.
    """
    cards = tuple(cards)
    named = tuple(card for card in cards if card.name == wanted)
    if wanted != ANY and not named:
        names = ", ".join(sorted(card.name for card in cards)) or "none"
        raise ModelRefused(f"There is no model {wanted[:80]!r}. Available: {ANY}, {names}.", "model_not_found")
    tiers = sorted((card for card in cards if card.route.tier in _ORDER and card not in named), key=_rank)
    chosen = (*named, *tiers) or cards
    if not chosen:
        raise ModelRefused("No model is configured. Install the embedded one, or set models.model.", "model_not_found")
    return chosen


def _rank(card: Card) -> tuple[bool, int]:
    return (not card.healthy, _ORDER[card.route.tier])
