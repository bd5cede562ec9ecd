"""When a turn asks a second time, and what: over fewer passages, where the first draft gave nothing to show.

The small model abstains too readily. Alone with the passage that has most of the question's words it answers some of
what it missed among several; docs/experiments/2026-11-grounded-answer.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.guardrails.words import content
from assistant.orchestration.compose import Prompts
from assistant.orchestration.prompts import GroundedPrompt
from assistant.types import Route
from knowledge.types import Passage

_NARROWED = 2  # passages of a second draft where nothing of the first one stood
_LEAST_SHARE = 1 / 3  # of the question's words; where no passage had as many, most new answers were wrong


@dataclass(frozen=True, slots=True)
class Look:
    """A draft to ask for."""

    prompt: GroundedPrompt
    passages: Sequence[Passage]
    reason: str = ""  # why it is asked for, as the turn's steps tell it; empty for the first


def again(question: str, found: Sequence[Passage], route: Route, prompts: Prompts, abstained: bool) -> Look | None:
    """Return the second draft to ask for, None when the first one's result stands.

    `abstained`: the model said that the documents do not say; else nothing of what it said stands in them.
    """
    small = route.tier == "fallback"
    if not abstained:
        prompt = prompts.grounded if small else prompts.strict
        return Look(prompt, found[:_NARROWED], "Nothing of that stands in the passages; asked once more")
    closest = nearest(question, found) if small and len(found) > 1 else None
    if closest is None:
        return None
    return Look(prompts.grounded, [closest], f"Asked about the nearest passage alone: {closest.title}")


def nearest(question: str, passages: Sequence[Passage]) -> Passage | None:
    """Return the passage with most of the question's words, the earlier one of equals; None when all have too few."""
    asked = frozenset(content(question))
    shares = [len(asked & frozenset(content(f"{p.title} {p.text}"))) / max(1, len(asked)) for p in passages]
    best = max(range(len(passages)), key=lambda n: shares[n], default=None)
    return passages[best] if best is not None and shares[best] >= _LEAST_SHARE else None
