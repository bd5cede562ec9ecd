"""Does a test text occur in what was trained on? Runs of words tell, whatever the titles say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.adaptation.rows import Passage, Row, normal

RUN_WORDS = 13  # the run length GPT-3's authors used for the same question (Brown et al. 2020)


@dataclass(frozen=True, slots=True)
class Contamination:
    """What test rows share with training rows."""

    passages: int  # of the test
    shared_passages: tuple[str, ...]  # first words of each test passage with a run of words that training saw
    shared_questions: tuple[str, ...]  # test questions that were trained on, with whatever passage


def check(trained: Sequence[Row], tested: Sequence[Row]) -> Contamination:
    """Return which passages and questions of `tested` occur in `trained`."""
    seen = {run for row in trained for passage in row.contexts for run in _runs(passage)}
    asked = {normal(row.question) for row in trained}
    passages = _distinct(tested)
    return Contamination(
        len(passages),
        tuple(p.text[:60] for p in passages if any(run in seen for run in _runs(p))),
        tuple(sorted({row.question for row in tested if normal(row.question) in asked})),
    )


def _distinct(rows: Iterable[Row]) -> list[Passage]:
    return list({p.key: p for row in rows for p in row.contexts}.values())


def _runs(passage: Passage) -> Iterable[int]:
    words = re.findall(r"\w+", passage.text.lower())
    return (hash(tuple(words[n : n + RUN_WORDS])) for n in range(len(words) - RUN_WORDS + 1))
