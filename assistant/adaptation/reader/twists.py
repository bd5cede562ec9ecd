"""Questions about another name or number, which a passage does not hold: hard ones without an answer.

Exchanged names make such questions as people make them (Zhu et al. 2019, "Learning to Ask Unanswerable Questions").
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.adaptation.rows import Passage, Row

_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w-]*(?: [A-Z][\w-]*)*")
_NUMBER = re.compile(r"\b\d+\b")
_LEAST_TITLE = 4  # characters: a shorter one stands in words that do not mean it
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Names:
    """What may take a name's place: the names in the questions about its document, the subject of another one."""

    names: dict[str, list[str]]  # by document
    subjects: list[str]  # in lower case, as questions that are typed into a search name them
    doubted: frozenset[str]  # documents about which some questions have no answer

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Names:
        """Return those of a pool."""
        names, subjects = defaultdict[str, set[str]](set), set[str]()
        for row in rows:
            names[row.document].update(match.group() for match in _NAME.finditer(row.question))
            titles = (_subject(passage.title) for passage in row.contexts)
            subjects.update(title for title in titles if len(title) >= _LEAST_TITLE and title in row.question)
        doubted = frozenset(row.document for row in rows if not row.answers)
        return cls({document: sorted(some) for document, some in names.items()}, sorted(subjects), doubted)

    def twisted(self, row: Row, passage: Passage, dice: random.Random) -> str:
        """Return the question about what `passage` does not hold; "": there is nothing to exchange.

        Documents about which people wrote questions without an answer need none: they would be doubted most of all.
        """
        question, subject = row.question, _subject(passage.title)
        places = [found.span() for pattern in (_NAME, _NUMBER) for found in pattern.finditer(question)]
        at = question.find(subject) if len(subject) >= _LEAST_TITLE else -1
        places += [(at, at + len(subject))] if at >= 0 else []
        if row.document in self.doubted or not places:
            return ""
        start, end = dice.choice(places)
        old, held = question[start:end], f"{passage.title}\n{passage.text}".lower()
        names = self.subjects if old == subject else self.names[row.document]
        for _ in range(_TRIES if names or old.isdigit() else 0):
            new = _like(old, dice) if old.isdigit() else dice.choice(names)
            if new.lower() not in held and new != old:
                return question[:start] + new + question[end:]
        return ""


def _like(number: str, dice: random.Random) -> str:
    """Return a number of as many digits that begins like `number`: another year of the same decade, for one."""
    drawn = len(number) // 2 if dice.random() < 0.3 and len(number) > 1 else 1
    least = 10 ** (drawn - 1) if drawn == len(number) else 0
    return number[: len(number) - drawn] + str(dice.randint(least, 10**drawn - 1)).zfill(drawn)


def _subject(title: str) -> str:
    return re.sub(r"\s*\(.*", "", title).lower()
