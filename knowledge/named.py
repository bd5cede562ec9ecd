"""Questions that name a document, and which of its passages they are about.

All passages of a page about one thing have its name, some of them often, so words tell them apart badly: "How much
does the Trail Tent weigh?" finds those that say "Trail Tent" three times before the one with the weight. Meaning
tells better, so among the passages of a document that is named the nearest by it takes turns with the best by both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from knowledge.types import Passage
from knowledge.words import is_stop_word, plain_words, prepared

_LEAST = 2  # words of a name: one is in many questions that are about something else
_PARTS = re.compile(r"\s[–—|:-]\s|:\s")  # of a title: "Item 12 – Trail Tent"


def within_named(question: str, found: Sequence[Passage]) -> list[Passage]:
    """Return `found` (best first), the passages of documents that `question` names in another order among themselves.

    Each keeps a place, and its score, that one of its document had.
    """
    asked = _words(question)
    ordered = list(found)
    for document in {passage.document_id for passage in found if _names(asked, passage.title)}:
        places = [n for n, passage in enumerate(found) if passage.document_id == document]
        own = [found[n] for n in places]
        for n, passage in zip(places, _in_turn(own), strict=True):
            ordered[n] = replace(passage, score=found[n].score)
    return ordered


def _names(asked: frozenset[str], title: str) -> bool:
    return any(name < asked for name in _named_by(title))  # and something is asked besides


@lru_cache(maxsize=2_000)
def _named_by(title: str) -> tuple[frozenset[str], ...]:
    return tuple(words for part in _PARTS.split(title) if len(words := _words(part)) >= _LEAST)


def _in_turn(own: Sequence[Passage]) -> Iterator[Passage]:
    """Yield the passages, by turns the nearest and the best of those that are left."""
    near = sorted(own, key=lambda passage: -(passage.scores.dense or 0.0))  # stable: the better of equals first
    seen = set[str]()
    for pair in zip(near, own, strict=True):
        for passage in pair:
            if passage.chunk_id not in seen:
                seen.add(passage.chunk_id)
                yield passage


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in plain_words(prepared(text)) if not is_stop_word(word))
