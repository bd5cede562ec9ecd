"""Scores of grounded answers: pure functions of texts and numbers, the same for every engine.

Token F1 and exact match are SQuAD's (Rajpurkar et al. 2016): lower case, without articles and punctuation, the best of
the reference answers counts. Citation marks are taken out first.
"""

from __future__ import annotations

import random
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from assistant.guardrails.abstentions import is_abstention
from assistant.guardrails.sentences import MARK

_ROUNDS = 1_000
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class Scored:
    """What one answer is worth; every share is 0..1."""

    f1: float  # 0 for an abstention on an answerable question; 1 for one on an unanswerable question
    exact: float
    # Of the cited passages, the share that holds the answer: 0 when nothing is cited, None where nobody says which do.
    citation_precision: float | None
    # 1 when at least one of the passages that hold the answer is cited: they hold the same one. None as above.
    citation_recall: float | None
    abstained: bool
    answerable: bool
    words: int  # of the answer without citations


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    n: int


def citations(text: str) -> list[int]:
    """Return the numbers cited in `text` in order of first appearance, each once; "[1, 2]" cites two."""
    return list(dict.fromkeys(int(n) for mark in MARK.findall(text) for n in re.findall(r"\d+", mark)))


def without_citations(text: str) -> str:
    """Return `text` without its marks and without the blanks before them."""
    return re.sub(r"\s*" + MARK.pattern, "", text).strip()


def squad_tokens(text: str) -> list[str]:
    """Return the words that SQuAD's scorer compares."""
    return [word for word in text.lower().translate(_PUNCTUATION).split() if word not in {"a", "an", "the"}]


def token_f1(answer: str, references: Iterable[str]) -> float:
    """Return the best token F1 of `answer` against the references, 0..1; 0 without references."""
    return max((_f1(squad_tokens(answer), squad_tokens(reference)) for reference in references), default=0.0)


def exact_match(answer: str, references: Iterable[str]) -> float:
    """Return 1 when `answer` equals a reference after normalisation, else 0."""
    return float(any(squad_tokens(answer) == squad_tokens(reference) for reference in references))


def score(
    answer: str, references: Sequence[str], gold: Iterable[int] | None, answerable: bool, abstention: str
) -> Scored:
    """Return the scores of one answer.

    `gold` are the 1-based numbers of the passages that hold what was asked, None where that is not known.
    """
    plain = without_citations(answer)
    cited, right = set(citations(answer)), set(gold or ())
    abstained = not plain or (is_abstention(plain, abstention) and not cited)
    words = len(plain.split())
    if not answerable:
        return Scored(float(abstained), float(abstained), 0.0, 0.0, abstained, False, words)
    if abstained:
        return Scored(0.0, 0.0, 0.0, 0.0, True, True, words)
    f1, exact = token_f1(plain, references), exact_match(plain, references)
    if gold is None:
        return Scored(f1, exact, None, None, abstained, True, words)
    precision = len(cited & right) / len(cited) if cited else 0.0
    return Scored(f1, exact, precision, float(bool(cited & right)), abstained, True, words)


def summary(scored: Sequence[Scored]) -> dict[str, Interval]:
    """Return each metric over the answers that it concerns; a metric that concerns none is left out.

    Citation figures are over answerable questions that got an answer: an abstention cites nothing by design and is
    counted in `false_abstentions` and in `token_f1`.
    """
    answerable = [s for s in scored if s.answerable]
    answered = [s for s in answerable if not s.abstained]
    unanswerable = [s for s in scored if not s.answerable]
    columns = {
        "token_f1": [s.f1 for s in answerable],
        "exact_match": [s.exact for s in answerable],
        "citation_precision": [s.citation_precision for s in answered if s.citation_precision is not None],
        "citation_recall": [s.citation_recall for s in answered if s.citation_recall is not None],
        "false_abstentions": [float(s.abstained) for s in answerable],
        "abstention_recall": [float(s.abstained) for s in unanswerable],
        "words": [float(s.words) for s in answered],
    }
    return {name: bootstrap(values) for name, values in columns.items() if values}


def bootstrap(values: Sequence[float]) -> Interval:
    """Return the mean and its 95 % percentile bootstrap interval, the same each time; `values` must not be empty."""
    dice = random.Random(0)
    means = sorted(fmean(dice.choices(values, k=len(values))) for _ in range(_ROUNDS))
    return Interval(fmean(values), means[int(0.025 * _ROUNDS)], means[int(0.975 * _ROUNDS) - 1], len(values))


def difference(left: Sequence[float], right: Sequence[float]) -> Interval:
    """Return the paired difference `right` - `left` with its interval; 0 within it means: not shown to differ."""
    return bootstrap([b - a for a, b in zip(left, right, strict=True)])


def _f1(answer: list[str], reference: list[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    common = sum((Counter(answer) & Counter(reference)).values())
    if not common:
        return 0.0
    precision, recall = common / len(answer), common / len(reference)
    return 2 * precision * recall / (precision + recall)
