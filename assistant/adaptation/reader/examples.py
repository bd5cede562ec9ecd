"""What a reader learns from: a question, its passage with the answer marked, and near misses that do not say it.

Near misses come from three places, because a reader learns to tell one kind from the style of the texts alone: other
passages of the same pool, texts of another kind altogether, and the passage itself asked about another name or number.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.adaptation.dataset import Corpus, Entry
from assistant.adaptation.neighbours import Embed
from assistant.adaptation.reader.twists import Names
from assistant.adaptation.rows import Passage, Row

NEAR_MISSES = 8  # kept for each question, best first
TWISTS = 3  # kept for each question


@dataclass(frozen=True, slots=True)
class Example:
    """One question."""

    question: str
    passage: Passage
    answer: tuple[int, int] | None  # characters of the passage's text; None: it looks as if it said it, and does not
    near_misses: tuple[Passage, ...]  # by our own search, without the answer; at least one
    others: tuple[Passage, ...] = ()  # the nearest of another kind of text, best first
    twists: tuple[str, ...] = ()  # the question about another name or number, which the passage does not hold


def examples(pools: dict[str, list[Row]], embed: Embed, others: Sequence[Passage] = (), seed: int = 0) -> list[Example]:
    """Return the examples of the rows of each pool, in their order; rows without a near miss are left out.

    `others` are texts of another kind, of which no row asks anything.
    """
    found, dice = [], random.Random(seed)
    vectors = embed([other.text for other in others]) if others else None
    for rows in pools.values():
        corpus, names = Corpus(rows, embed, depth=12), Names.of(rows)
        asked = embed([entry.row.question for entry in corpus.entries])
        for number, entry in enumerate(corpus.entries):
            far = () if vectors is None else np.argsort(-(vectors @ asked[number]))[:NEAR_MISSES].tolist()
            example = _example(corpus, entry, corpus.found[number], tuple(others[n] for n in far), names, dice)
            if example is not None:
                found.append(example)
    return found


def _example(
    corpus: Corpus, entry: Entry, near: Sequence[int], far: tuple[Passage, ...], names: Names, dice: random.Random
) -> Example | None:  # fmt: skip
    answers = entry.row.answers
    if not entry.gold and (answers or entry.home < 0):
        return None
    home = entry.gold[0] if entry.gold else entry.home
    passage = corpus.passages[home]
    answer = place(passage.text, answers) if entry.gold else None
    misses = [n for n in near if n != home and n not in entry.gold and not corpus.holds(n, answers)]
    if (entry.gold and answer is None) or not misses:
        return None
    near_misses = tuple(corpus.passages[n] for n in misses[:NEAR_MISSES])
    twists = tuple({names.twisted(entry.row, passage, dice) for _ in range(TWISTS)} - {""})
    return Example(entry.row.question, passage, answer, near_misses, far, tuple(sorted(twists)))


def place(text: str, answers: Sequence[str]) -> tuple[int, int] | None:
    """Return where the first of `answers` that stands in `text` does, in characters; the case does not matter."""
    lowered = text.lower()
    for answer in answers:
        at = text.find(answer)
        at = lowered.find(answer.lower()) if at < 0 and len(lowered) == len(text) else at
        if at >= 0:
            return at, at + len(answer)
    return None
