"""Who is asked, in which order: a pure function of the question, of what was wished for, and of what there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.models.decisions import Facts, Kind, Reading, Rule, Table, decide, understand
from assistant.models.errors import WishRefused
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
    inside: bool = True  # on this site's own network
    enabled: bool = True
    load: float = 0.0  # share of its places that are taken
    sees: bool = False  # takes pictures


@dataclass(frozen=True, slots=True)
class Chosen:
    """Models in the order in which they are asked, never empty, and why in one sentence."""

    cards: tuple[Card, ...]
    reason: str  # "" where there was nothing to choose
    rivals: tuple[Card, ...] = ()  # two adapters that are both asked first, the nearer one before; or none


def choose(wanted: str, cards: Iterable[Card], facts: Facts, table: Table) -> Chosen:
    """Return whom to ask: the named model, or those that the table's first fitting rule names; then the other tiers.

    Models that do not answer come last, full ones before them. An adapter answers only questions of its domain, or when
    it is named. What the caller's policy rules out is never asked. With pictures, only models that see are asked where
    there are any.
    Raises WishRefused (code "model_not_found" or "not_allowed") when there is no such model, or none at all.
    """
    known = tuple(cards)
    named = tuple(card for card in known if card.name == wanted)
    if wanted != ANY and not (named and named[0].enabled):
        names = ", ".join(sorted(card.name for card in known if card.enabled)) or "none"
        gone = f"The model {wanted[:80]!r} is switched off" if named else f"There is no model {wanted[:80]!r}"
        raise WishRefused(f"{gone}. Available: {ANY}, {names}.", "model_not_found")
    usable = [card for card in known if card.enabled and (card.inside or facts.policy.privacy == "any")]
    if facts.pictures and any(card.sees for card in named or usable):
        usable = [card for card in usable if card.sees]
    if any(card not in usable for card in named):
        raise WishRefused(f"{wanted[:80]!r} is outside of this site, which the request rules out.", "not_allowed")
    reading = understand(facts, table.signals)
    rule = decide(facts, reading, table)
    order = [(place, card) for card in usable if (place := _place(card, rule, reading)) is not None]
    order.sort(key=lambda entry: (not entry[1].healthy, entry[1].load >= table.signals.busy_share, entry[0]))
    rest = [card for _, card in order if card not in named]
    chosen = (*named, *rest) or tuple(usable)
    if not chosen:
        raise WishRefused(_nobody(known), "model_not_found")
    rivals = () if named else _rivals(usable, rule, reading, table.signals.busy_share)
    return Chosen(chosen, _reason(wanted, named, chosen, rule, order, facts, rivals), rivals)


def _rivals(usable: Sequence[Card], rule: Rule, reading: Reading, busy_share: float) -> tuple[Card, ...]:
    """Return the two adapters that a judged rule asks both; none where one of them cannot answer now."""
    adapters = [card for card in usable if kind_of(card) == "adapter"]
    free = {card.route.adapter: card for card in adapters if card.healthy and card.load < busy_share}
    found = tuple(free[name] for name in reading.rivals if name in free)
    return found if rule.judged and len(found) == 2 else ()


def _nobody(known: Sequence[Card]) -> str:
    """Return why there is nobody to ask, and what to do about it."""
    if not known:
        return "No model is configured that may be asked. Install the embedded one, or set models.model."
    if not any(card.enabled for card in known):
        return "All models are switched off. An administrator can switch one on, on the page Models."
    return "No model that may answer is inside of this site, which the request demands. Ask without this demand."


def _place(card: Card, rule: Rule, reading: Reading) -> int | None:
    """Return where a card stands in a rule's order; None for one that is not asked unless named."""
    kind = kind_of(card)
    if kind == "adapter" and card.route.adapter != reading.adapter:
        return None
    if kind in rule.ask:
        return rule.ask.index(kind)
    return None if kind in ("adapter", "other") else len(rule.ask) + _ORDER[card.route.tier]


def kind_of(card: Card) -> Kind:
    """Return a model's place in the decision table."""
    if card.route.tier == "domain":
        return "adapter" if card.route.adapter else "base"
    return "small" if card.route.tier == "fallback" else "other"


def _reason(
    wanted: str,
    named: Sequence[Card],
    chosen: Sequence[Card],
    rule: Rule,
    order: Sequence[tuple[int, Card]],
    facts: Facts,
    rivals: Sequence[Card],
) -> str:
    if rivals:
        both = " and ".join(card.name for card in rivals)
        return f"Rule “{rule.name}”: {rule.because}; {both} are both asked, and the better answer is given"
    if len(chosen) < 2 and not named:
        return ""
    if named:
        then = f", then {chosen[1].name} should it fail" if len(chosen) > 1 else ""
        return f"{wanted} was asked for by name{then}"
    first = min(order, key=lambda entry: entry[0])[1] if order else chosen[0]
    near = f" ({facts.domains[0].adapter}, closeness {facts.domains[0].closeness:.2f})" if rule.when.domain else ""
    told = f"Rule “{rule.name}”: {rule.because}{near}; {chosen[0].name}, then {chosen[1].name}"
    if first is chosen[0]:
        return told
    why = "is full" if first.healthy else "does not answer now"
    return f"{told}, because {first.name} {why}"


def spread(answers: Sequence[int]) -> float | None:
    """Return how evenly answers fall on several routes: 1 is even, their number when one has all; None for no answer.

    It is the load-balance figure of mixtures of experts, N times the sum of squared shares.
    """
    total = sum(answers)
    return len(answers) * sum((count / total) ** 2 for count in answers) if total else None
