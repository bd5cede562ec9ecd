"""Which rated questions were put right: those that stand, word for word, among the questions of a curated answer."""

from __future__ import annotations

from sqlalchemy import Engine

from assistant.curated import store
from assistant.curated.store import Curated
from assistant.guardrails.words import tokens
from assistant.ratings.rated import Rated


class Corrections:
    """The curated answers that are given now, by the words of their questions.

    Words decide, no link from one rating to one answer: an answer puts right what everybody rated who asked the same,
    also when it was written before, and no longer does once it is switched off or deleted.
    """

    def __init__(self, engine: Engine) -> None:
        """Read the curated answers; of two with one question the one that was written last counts."""
        self._found: dict[tuple[str, ...], Curated] = {}
        for one in store.everything(engine):
            for wording in one.questions if one.enabled else ():
                self._found.setdefault(tuple(tokens(wording)), one)

    def of(self, rated: Rated) -> Curated | None:
        """Return the answer that puts a rated question right, as it was asked or as it was understood; else None."""
        asked = (rated.standalone, rated.question)
        return next((one for text in asked if (one := self._found.get(tuple(tokens(text))))), None)
