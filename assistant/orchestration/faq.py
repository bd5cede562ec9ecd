"""Pages of questions and answers: where a passage asks the very question, what follows there is the answer."""

from __future__ import annotations

import re
from itertools import pairwise

from assistant.guardrails.release import alike
from assistant.guardrails.sentences import split
from assistant.guardrails.words import content
from knowledge.types import Passage

_LEAST = 2  # words that carry content; "How do I get it?" is asked of many things
_LIGHT = frozenset(content("get use used"))  # "Can it be used?" and "Can I use it?" are one
_LABEL = re.compile(r"^\s*(?:[-*•]\s+)?(?:\(?\d{1,3}[.)]\s*)?(?:(?:q|a|question|answer)\s*[:.]\s*)?", re.IGNORECASE)


def answered(question: str, passage: Passage) -> str | None:
    """Return the first sentence that follows the same question in `passage`; None where it is not asked there.

    The same has all of its words that carry content and hardly more: another name is another question. A heading may
    ask it, too.
    """
    asked = _words(question)
    if len(asked) < _LEAST:
        return None
    parts = [passage.heading.rsplit(" > ", 1)[-1], *split(passage.text)]
    lines = [_LABEL.sub("", " ".join(part.split())) for part in parts]
    for line, said in pairwise(lines):
        known = _words(line)
        if line.endswith("?") and not said.endswith("?") and asked <= known and alike(asked, known):
            return said or None
    return None


def _words(question: str) -> frozenset[str]:
    return frozenset(content(question)) - _LIGHT
