"""The ranges of what may be set about sampling, and what becomes of a value outside of one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

MAX_TOKENS = 8_192

# Lowest and highest value. A top-p of 0 or a min-p of 1 leaves no token that could be taken; 1,000 tokens are more than
# any top-k keeps apart; seeds are what both engines take.
RANGES: Mapping[str, tuple[float, float]] = {
    "max_tokens": (1, MAX_TOKENS),
    "temperature": (0.0, 2.0),
    "top_p": (0.001, 1.0),
    "top_k": (0, 1_000),
    "min_p": (0.0, 0.99),
    "seed": (0, 2**31 - 1),
}
LABELS: Mapping[str, str] = {
    "max_tokens": "max tokens",
    "temperature": "temperature",
    "top_p": "top-p",
    "top_k": "top-k",
    "min_p": "min-p",
    "seed": "seed",
}

Number = TypeVar("Number", int, float)


def within(name: str, value: Number) -> Number:
    """Return the value of that name which is nearest to `value` and within its range; `value` is finite."""
    low, high = RANGES[name]
    kind = type(value)
    return kind(min(max(value, low), high))


def told(given: Mapping[str, float | None]) -> str:
    """Return what to tell whoever gave values outside of their ranges, "" where all are inside; None counts as such."""
    outside = [
        f"{LABELS[name]} {within(name, value):g} instead of {value:g}"
        for name, value in given.items()
        if value is not None and within(name, value) != value
    ]
    return f"Outside of what is possible, so answered with {', '.join(outside)}." if outside else ""
