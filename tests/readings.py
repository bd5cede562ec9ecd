"""Readings as likely as a test wants them."""

from __future__ import annotations

from assistant.guardrails.support import Question
from assistant.orchestration.expected import doubt
from assistant.orchestration.likelihood import features, load
from knowledge.reader import Reading
from knowledge.types import Passage

SURE = load().sure


def reading(question: str, passage: Passage, words: str, log_odds: float) -> Reading:
    """Return a reading of `words`, which stand in the passage, that is `log_odds` likely to answer."""
    at = passage.text.index(words)
    unscored = Reading(0.0, at, at + len(words))
    rest = load().log_odds(features(Question(question), passage, unscored)) - doubt(question, passage, unscored)
    return Reading((log_odds - rest) / load().weights["score"], at, at + len(words))
