"""Texts that say the same nearly word for word: they must not stand on both sides of a split, nor twice in one part.

Passages are compared by their runs of words: a MinHash index (rensa) proposes, the exact share of common runs decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rensa import RMinHash, RMinHashLSH  # type: ignore[import-untyped]  # a compiled library without types

from assistant.adaptation.rows import Passage, Row, normal

NEAR = 0.7  # shared runs over all runs; an edition with a sentence changed is as much a leak as a copy
_RUN = 4  # words
_PERMUTATIONS, _BANDS = 64, 16  # four rows a band: texts at 0.7 are proposed with 99 %
_SMALL_WORDS = frozenset(
    ("a", "an", "the", "of", "in", "on", "at", "to", "for", "by", "is", "are", "was", "were", "did", "do")
)


class Seen:
    """Rows that were admitted so far, each to a part."""

    def __init__(self) -> None:
        self._index = RMinHashLSH(threshold=NEAR, num_perm=_PERMUTATIONS, num_bands=_BANDS)
        self._runs: list[frozenset[str]] = []
        self._texts: dict[str, int] = {}  # passage key -> number of the text that it is, or nearly is
        self._parts: dict[int, str] = {}  # text -> the part that keeps it
        self._asked: set[tuple[frozenset[str], frozenset[int], bool]] = set()

    def admits(self, row: Row, part: str) -> bool:
        """Return whether `row` may stand in `part`, and remember it when it may.

        It may not when one of the passages that it is about belongs to another part, or when the same question was
        asked of the same passages; both up to small changes of wording.
        """
        own = frozenset(self._text(row.contexts[n]) for n in _own(row))
        if any(self._parts.get(text, part) != part for text in own):
            return False
        asked = (_words(row.question), frozenset(map(self._text, row.contexts)), bool(row.answers))
        if asked in self._asked and not row.cited:
            return False
        self._asked.add(asked)
        self._parts |= dict.fromkeys(own, part)
        return True

    def trimmed(self, row: Row, part: str) -> Row:
        """Return `row` of `part` without the passages that belong to another part; those of none belong to this one."""
        kept = [
            n for n, passage in enumerate(row.contexts) if self._parts.setdefault(self._text(passage), part) == part
        ]
        if len(kept) == len(row.contexts):
            return row
        gold = tuple(kept.index(n) for n in row.gold)
        return replace(row, contexts=tuple(row.contexts[n] for n in kept), gold=gold)

    def _text(self, passage: Passage) -> int:
        """Return the number that `passage` shares with its near duplicates, the first of them in the order seen."""
        if passage.key not in self._texts:
            runs = _runs(normal(passage.text).split())
            sketch = RMinHash(num_perm=_PERMUTATIONS, seed=1)
            sketch.update(sorted(runs))
            near = [number for number in sorted(self._index.query(sketch)) if _alike(self._runs[number], runs) >= NEAR]
            if near:
                self._texts[passage.key] = near[0]
            else:
                self._index.insert(len(self._runs), sketch)
                self._texts[passage.key] = len(self._runs)
                self._runs.append(runs)
        return self._texts[passage.key]


def _own(row: Row) -> Sequence[int]:
    """Return the places of the passages that a row is about: those that answer, else all that it brings."""
    return row.gold if row.gold and not row.cited else range(len(row.contexts))


def _runs(words: Sequence[str]) -> frozenset[str]:
    return frozenset(" ".join(words[at : at + _RUN]) for at in range(max(1, len(words) - _RUN + 1)))


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)


def _words(question: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", question.lower())) - _SMALL_WORDS
