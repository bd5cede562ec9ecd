"""What a reader learns from: a question, its passage with the answer marked, and near misses that do not say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.adaptation.dataset import Corpus, Entry
from assistant.adaptation.neighbours import Embed
from assistant.adaptation.rows import Passage, Row

NEAR_MISSES = 8  # kept for each question, best first


@dataclass(frozen=True, slots=True)
class Example:
    """One question."""

    question: str
    passage: Passage
    answer: tuple[int, int] | None  # characters of the passage's text; None: it looks as if it said it, and does not
    near_misses: tuple[Passage, ...]  # by our own search, without the answer; at least one


def examples(pools: dict[str, list[Row]], embed: Embed) -> list[Example]:
    """Return the examples of the rows of each pool, in their order; rows without a near miss are left out."""
    found = []
    for rows in pools.values():
        corpus = Corpus(rows, embed, depth=12)
        for number, entry in enumerate(corpus.entries):
            example = _example(corpus, entry, corpus.found[number])
            if example is not None:
                found.append(example)
    return found


def _example(corpus: Corpus, entry: Entry, near: Sequence[int]) -> Example | None:
    answers = entry.row.answers
    if not entry.gold and (answers or entry.home < 0):
        return None
    home = entry.gold[0] if entry.gold else entry.home
    passage = corpus.passages[home]
    answer = place(passage.text, answers) if entry.gold else None
    others = [n for n in near if n != home and n not in entry.gold and not corpus.holds(n, answers)]
    if (entry.gold and answer is None) or not others:
        return None
    return Example(entry.row.question, passage, answer, tuple(corpus.passages[n] for n in others[:NEAR_MISSES]))


def place(text: str, answers: Sequence[str]) -> tuple[int, int] | None:
    """Return where the first of `answers` that stands in `text` does, in characters; the case does not matter."""
    lowered = text.lower()
    for answer in answers:
        at = text.find(answer)
        at = lowered.find(answer.lower()) if at < 0 and len(lowered) == len(text) else at
        if at >= 0:
            return at, at + len(answer)
    return None
