"""Sentences in which a person states something, and the running summary made of them. Pure functions, no model.

A summary takes sentences as they were said, so it invents nothing; only the person's own words are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.guardrails.input import clean
from assistant.memory.said import is_secret, statements
from assistant.memory.same import takes_place_of

MAX_WORDS = 150  # of a summary
_WEIGHED = 100  # of the last sentences of a message, each with each of the others: 0.2 s
_LONGEST = 40  # words of a sentence that may stand in one
_SHORTEST = 3
_LEAD = re.compile(r"^(?:by the way|btw|fyi|note that|just so you know)[,:]?\s+", re.I)
_SPLIT = re.compile(r"(?<=[.!?;])\s+|\n+")
_ASKS = re.compile(
    r"^(?:and |so |but |then |please |also |ok(?:ay)?,? )*(?:what|who|whom|whose|when|where|why|how|which|is|are|was"
    r"|were|do|does|did|can|could|would|will|should|shall|may|tell|show|find|list|explain|give|write|translate|summari[sz]e|compare"
    r"|describe|help|make|create|search|look|check|thanks|thank you|hello|hi)\b",
    re.I,
)
_WANTS = re.compile(r"\bi(?:'d| would)? (?:need|want|like|wonder|am looking|have a question)\b|\bi'm looking\b", re.I)
_STATES = re.compile(
    r"\b(?:is|are|was|were|am|has|have|had|means|called|named|decided|agreed|chose|moved|works?|lives?|costs?|starts?|ends?"
    r"|begins?|uses?|prefers?|must|will|leads?|manages?|reports?)\b|['’](?:s|m|re|ve)\b",
    re.I,
)
_DECIDES = re.compile(r"\b(?:decided|agreed|chose|must|deadline|from now on|always|never|will)\b", re.I)
_NUMBER = re.compile(r"\d")
_NAME = re.compile(r"(?<=[\w,] )[A-Z]\w+|\b\w*[A-Z]{2,}\w*")


def stated(message: str) -> list[str]:
    """Return the sentences of a message in which the person states something, in order; questions and secrets never."""
    found = []
    for sentence in _SPLIT.split(clean(message)):
        said = " ".join(sentence.split()).strip()
        said = _LEAD.sub("", said)
        sized = _SHORTEST <= len(said.split()) <= _LONGEST and not said.endswith("?")
        if sized and _STATES.search(said) and not (_ASKS.match(said) or _WANTS.search(said) or is_secret(said)):
            found.append(said[:1].upper() + said[1:])
    return found


def extended(summary: Sequence[str], messages: Sequence[str]) -> tuple[str, ...]:
    """Return `summary` with what later `messages` state: at most 150 words, in the order in which it was said.

    A sentence makes way for a later one on the same thing; where there is no room left, those that say least go first:
    no number, no name, no decision, nothing about the person. Of equals the oldest goes.
    """
    kept = list(summary)
    for message in messages:
        for sentence in stated(message)[-_WEIGHED:]:
            if _weight(sentence):
                kept = [*(one for one in kept if not takes_place_of(sentence, one)), sentence][-_WEIGHED:]
    while sum(len(one.split()) for one in kept) > MAX_WORDS:
        kept.remove(min(kept, key=_weight))
    return tuple(kept)


def _weight(sentence: str) -> int:
    """Return how much a sentence says that is worth keeping; 0 when it is talk."""
    about_me = bool(statements(sentence))
    return (
        2 * bool(_NUMBER.search(sentence)) + bool(_NAME.search(sentence)) + bool(_DECIDES.search(sentence)) + about_me
    )
