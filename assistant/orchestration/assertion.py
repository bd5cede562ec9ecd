"""Questions for yes or no, and the sentence of a passage that says it.

The reader was trained on questions whose answer is a few words, so its score tells little about "Is jury duty paid?".
What does tell is whether a sentence is about all that was asked, read with its neighbours and below its headings. It is
shown as it stands: whether that is a yes is the person's to judge.
"""

from __future__ import annotations

import re

from assistant.guardrails.sources import Source
from assistant.guardrails.words import content
from assistant.orchestration.explain import without_bullet
from assistant.orchestration.topic import among, topic_of
from knowledge.rarity import rarity
from knowledge.types import Passage

# Not one that offers a choice, nor "Is there a pension?": nothing is said of the thing, so any mention of it would do.
_YES_OR_NO = re.compile(
    r"^(?:is|are|was|were|am|do|does|did|can|could|may|must|should|will|would|has|have|had)\s(?!there\b)(?!.*\bor\b)",
    re.IGNORECASE,
)
_LIGHT = frozenset(content("able allow get offer permit possible provide"))  # what texts say in other words
_LEAST = 2  # words; one is soon said somewhere
_OWN = 0.5  # of what was asked, rare words counting more, that the sentence itself says
_SAYS = re.compile(r"[.!:][\"'”’)]*$")  # a heading says nothing


def asks_yes_or_no(question: str) -> bool:
    """Return whether a question is answered by yes or no: "Is jury duty paid?"."""
    return _YES_OR_NO.match(question.strip()) is not None


def assertion(question: str, passage: Passage) -> tuple[str, float] | None:
    """Return the sentence or row of `passage` that is about all that was asked, and how much of it it says, 0..1.

    What it does not say itself, its neighbours, the title or a heading do. None where there is none, which is normal.
    """
    asked = {word: root for word, root in topic_of(question).items() if root not in _LIGHT}
    source = Source(1, passage)
    if len(asked) < _LEAST or not all(among(root, source.known) for root in asked.values()):
        return None
    told = {word: rarity(word) for word in asked}
    predicate = list(asked.values())[-1]  # "paid" in "Is jury duty paid?": what tells is where that is said
    best: tuple[str, tuple[bool, float]] | None = None
    for n, sentence in enumerate(source.sentences):
        near = source.around(n) | source.label.stems
        row = sentence.text.startswith("|")
        says = row or _SAYS.search(sentence.text) or without_bullet(sentence.text) != sentence.text
        asks = sentence.text.endswith("?")  # as a list of questions and answers does
        if asks or not says or not all(among(root, near) for root in asked.values()):
            continue
        own = sum(told[word] for word, root in asked.items() if among(root, sentence.stems)) / sum(told.values())
        worth = among(predicate, sentence.stems), own
        if own >= _OWN and (best is None or worth > best[1]):
            best = (sentence.text.strip("| ").split(" | ")[0] if row else sentence.text), worth
    return None if best is None else (best[0], best[1][1])
