"""Minutes of an ensemble: what its members said, as sentences that a reader is shown beside the answer."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.models.errors import ModelError, NoModelLeft
from assistant.models.votes import Outcome, same

BEGINNING = 80  # characters of an answer


def of_vote(
    names: Sequence[str], weights: Sequence[float], replies: Sequence[str | ModelError], outcome: Outcome
) -> tuple[str, ...]:
    """Return one sentence for each voter: its weight, whether it won, and how its answer begins, or why it has none."""
    won = replies[outcome.winner]
    key = same(won) if isinstance(won, str) else ""
    told = []
    for name, weight, reply in zip(names, weights, replies, strict=True):
        if isinstance(reply, ModelError):
            told.append(f"{_failed(name, reply)}, so it did not vote")
        elif not same(reply):
            told.append(f"{name} said nothing, so it did not vote")
        else:
            side = "won" if same(reply) == key else "lost"
            counted = f", weight {weight:g}" if len(set(weights)) > 1 else ""
            told.append(f"{name} ({side}{counted}): {beginning(reply)}")
    return tuple(told)


def beginning(text: str) -> str:
    """Return how an answer begins, in quotes and on one line."""
    line = " ".join(text.split())
    return f'"{line[:BEGINNING].rstrip()}…"' if len(line) > BEGINNING else f'"{line}"'


def _failed(name: str, error: ModelError) -> str:
    """Return what became of a member, in words; what a server says of itself is for the log."""
    return ", ".join(error.told) if isinstance(error, NoModelLeft) and error.told else f"{name} did not answer"
