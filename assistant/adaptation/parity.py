"""Do two engines say the same from the same weights? Greedy replies are compared token by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from assistant.adaptation.errors import ParityError


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike the replies of two engines are; shares are 0..1."""

    replies: int
    same: float  # share of replies that are equal
    prefix: float  # mean share of words that agree from the start


def agreement(left: Sequence[str], right: Sequence[str]) -> Agreement:
    """Return how far replies to the same prompts agree; both must be in the same order and not empty."""
    pairs = list(zip(left, right, strict=True))
    return Agreement(
        len(pairs), sum(a == b for a, b in pairs) / len(pairs), sum(_shared(a, b) for a, b in pairs) / len(pairs)
    )


def require(found: Agreement, least_prefix: float, names: tuple[str, str]) -> None:
    """Raise ParityError when the replies agree less than `least_prefix` on average."""
    if found.prefix < least_prefix:
        raise ParityError(
            f"{names[0]} and {names[1]} agree on {found.prefix:.0%} of {found.replies} replies, not {least_prefix:.0%}."
            " Export the adapter again, or serve it in a finer quantisation."
        )


def _shared(left: str, right: str) -> float:
    a, b = left.split(), right.split()
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))
    return same / max(len(a), len(b), 1)
