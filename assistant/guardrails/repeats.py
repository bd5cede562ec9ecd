"""Instructions that a model repeats in place of an answer: noticed word by word, before any of it is shown.

A small model that does not know what to say says what it was told. What counts is a whole sentence of the instructions,
or many words of one in a row; shorter runs are ordinary language ("a helpful assistant of this company").
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+")
_UNIT = re.compile(r"\s*\S+\s*|\s+")
_PART_ENDS = re.compile(r"[.!?:…][\"'”’)*_]*\s|\n")
_SENTENCE_ENDS = re.compile(r"[.!?…][\"'”’)*_]*\s|\n")
_TO_SAY = re.compile(r"\b(?:reply|answer|say|write|with)\s*:.*|\"[^\"]*\"|“[^”]*”|\{\w+\}", re.S)
_WHOLE = 4  # words from which a whole sentence counts
_END = 7  # words from which the end of one counts
_RUN = 8  # words in a row that always count


class Repeats:
    """Takes out of one answer what repeats the instructions; text goes through in order."""

    def __init__(self, instructions: Iterable[str], question: str = "") -> None:
        """Know `instructions`, but for what they tell to say and what the `question` itself brings."""
        asked = " ".join(_words(question))
        self._runs: set[tuple[str, ...]] = set()  # every run of at most _RUN words within a sentence
        self._told: set[tuple[str, ...]] = set()  # those that count
        for text in instructions:
            for sentence in _PART_ENDS.split(_TO_SAY.sub(" ", text) + " "):
                words = tuple(_words(sentence))
                if len(words) >= _WHOLE and " ".join(words) not in asked:
                    self._learn(words)
        self._begun = False  # the first word went through
        self._waiting: list[tuple[str, str]] = []  # words that may be the beginning of a repetition, with their text
        self._skipping = False  # to the end of a sentence that repeats
        self.found = False

    @property
    def holds(self) -> bool:
        """Return whether words wait, or some were left out, so that the next word may be left out, too."""
        return bool(self._waiting) or self.found

    def passed(self, text: str) -> str:
        """Return what may be shown now of the text so far; `text` ends at the end of a word.

        The very first word goes through though a repetition may begin with it, as nearly all words may; who shows it
        takes it back when one did.
        """
        if not self._runs:
            return text
        shown = "".join(self._unit(unit) for unit in _UNIT.findall(text))
        if not (self._begun or self.found or shown.strip()) and self._waiting:
            word, first = self._waiting[0]
            self._waiting[0], shown = (word, ""), shown + first
        self._begun = self._begun or bool(shown.strip())
        return shown

    def rest(self) -> str:
        """Return what still waits when nothing more comes, or another model begins again."""
        left, self._waiting, self._skipping = "".join(text for _, text in self._waiting), [], False
        return left

    def _learn(self, words: tuple[str, ...]) -> None:
        for start in range(len(words)):
            self._runs.update(words[start:end] for end in range(start + 1, min(len(words), start + _RUN) + 1))
        self._told.update(words[start : start + _RUN] for start in range(len(words) - _RUN + 1))
        if len(words) <= _RUN:
            self._told.add(words)
        if len(words) >= _END:
            self._told.add(words[-_END:])

    def _unit(self, unit: str) -> str:
        ends = bool(_SENTENCE_ENDS.search(unit))
        if self._skipping:
            self._skipping = not ends
            return ""
        words = _words(unit)
        shown = ""
        for n, word in enumerate(words):
            shown += self._next(word, unit if n == len(words) - 1 else "")
            if self._skipping:
                self._skipping = not ends
                return shown
        if not words and not self._waiting:
            return unit
        if not words:
            self._waiting[-1] = (self._waiting[-1][0], self._waiting[-1][1] + unit)
        return shown + self.rest() if _PART_ENDS.search(unit) else shown

    def _next(self, word: str, text: str) -> str:
        """Take one more word, and return what can be no part of a repetition any more."""
        self._waiting.append((word, text))
        shown = ""
        while self._waiting and tuple(w for w, _ in self._waiting) not in self._runs:
            shown += self._waiting.pop(0)[1]
        run = tuple(w for w, _ in self._waiting)
        if any(run[start:] in self._told for start in range(len(run))):
            self._waiting, self._skipping, self.found = [], True, True
        return shown


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
