"""How well a passage bears out a claim, in numbers: the features that guardrails/rules.yaml weighs.

Two kinds of claims are told apart. A *span* is a bare answer ("Normandy", "in 1972"): it stands in a passage word for
word or not at all, and what counts is whether the place where it stands is about the question. A *statement* is a whole
sentence: what counts is whether the passage says the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cached_property

from assistant.guardrails import facts as exact
from assistant.guardrails.sources import Source, Sources, Text
from assistant.guardrails.words import stem
from knowledge.types import Vectors

Features = Mapping[str, float]

_OPPOSITE_WORDS = (
    "first last|before after|most least|more less fewer|high low|increase decrease|increased decreased|largest smallest"
    "|earliest latest|oldest newest youngest|north south east west|always never|best worst|above below|start end"
    "|begin finish|rise fall|won lost|accept reject|maximum minimum|inside outside|old new|upper lower|good bad"
    "|easy difficult|strong weak|male female|up down|include exclude|public private|rich poor|small large|short long"
    "|early late|oppose support|gain lose|internal external|same different|northern southern eastern western"
    "|buy sell|allowed forbidden|required optional|import export|victory defeat|win lose|add remove"
)
_OPPOSITES = [frozenset(group.split()) for group in _OPPOSITE_WORDS.split("|")]
_ASKS_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|cannot|without|except|unlike|un\w{4,}|in(?:correct|valid|dependent))\b"
    r"|n't\b",
    re.I,
)
_ENGLISH_WORDS = (
    "what who when where which how why whose whom is are were do does did the of can should could would many"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_FAR = 3.0  # log distance that stands for "nowhere near"
_LONG_WORD = 4  # words longer than this may match by their first letters


class Question(Text):
    """What was asked."""

    @cached_property
    def english(self) -> bool:
        """Return whether it has one of the words that hardly any English question goes without."""
        return not _ENGLISH.isdisjoint(self.tokens)


def novel(claim: Text, question: Question) -> frozenset[str]:
    """Return the stems that `claim` adds to what the question says already; all of them when it adds none."""
    return (claim.stems - question.stems) or claim.stems


def closest(words: frozenset[str], source: Source, near: Vectors | None = None) -> int:
    """Return the sentence of `source` that has most of `words`, the one nearest in meaning among equals."""
    shares = [share(words, sentence.stems) for sentence in source.sentences]
    return max(range(len(shares)), key=lambda i: shares[i] + (0.0 if near is None else float(near[i]) / 10))


def claim_position(claim: Text, source: Source) -> int | None:
    """Return the first sentence of `source` that holds `claim` word for word, or None."""
    return next((i for i, s in enumerate(source.sentences) if s.position(claim.tokens) >= 0), None)


def span_features(question: Question, claim: Text, source: Source, sources: Sources) -> Features:
    """Return the features of a bare answer; where it does not stand word for word, the closest sentence is judged."""
    near = sources.nearness(question, source, question.stems | claim.stems)
    asked = (question.stems - claim.stems) or question.stems
    holders = [i for i, s in enumerate(source.sentences) if s.position(claim.tokens) >= 0]
    verbatim = bool(holders)
    holders = holders or [closest(novel(claim, question), source, near)]
    best = max(holders, key=lambda i: share(asked, source.sentences[i].stems) + float(near[i]))
    sentence, around = source.sentences[best], source.around(best)
    names, numbers = lacking(question, claim, source)
    return {
        "asked_around": share(asked, around | source.label.stems),
        "asked_in_passage": share(asked, source.known),
        "asked_missing": float(sum(not within(word, source.known) for word in asked)),
        "near_sentence": float(near[best]),
        "near_best": float(near.max()),
        "name_missing": float(names),
        "number_missing": float(numbers),
        "opposite": min(1.0, _opposites(question, sentence)),
        "negation_asked": float(bool(_ASKS_NEGATION.search(question.text))),
        "negation_differs": float(_denies(question) != _denies(sentence)),
        "repeats_question": share(claim.stems, question.stems, empty=0.0),
        "distance": _distance(asked, claim if verbatim else novel(claim, question), sentence),
        "asked_words": math.log1p(len(asked)),
    }


def lacking(question: Question, claim: Text, source: Source) -> tuple[int, int]:
    """Return how many names and how many numbers and dates of the question `source` does not have."""
    names = [name for name in question.facts.names - claim.stems if not within(name, source.known)]
    facts = exact.unsupported(question.facts, source.known_facts, source.known)
    return len(names), sum(not fact.startswith("name") for fact in facts)


def statement_features(claim: Text, source: Source, sources: Sources) -> Features:
    """Return the features of a whole sentence."""
    near = sources.nearness(claim, source, claim.stems)
    stated = [share(claim.stems, source.around(i, reach=0) | source.label.stems) for i in range(len(source.sentences))]
    best = max(range(len(stated)), key=lambda i: stated[i] + float(near[i]))
    sentence = source.sentences[best]
    return {
        "stated_sentence": stated[best],
        "stated_around": share(claim.stems, source.around(best) | source.label.stems),
        "stated_passage": share(claim.stems, source.known),
        "near_sentence": float(near[best]),
        "in_order": _in_order(claim, sentence),
        "negation_differs": float(claim.facts.denies != sentence.facts.denies),
        "opposite": min(1.0, _opposites(claim, sentence)),
    }


def share(wanted: frozenset[str], given: frozenset[str], empty: float = 1.0) -> float:
    """Return the share of `wanted` stems that `given` has, 0..1; `empty` when nothing is wanted."""
    return sum(within(word, given) for word in wanted) / len(wanted) if wanted else empty


def within(word: str, given: frozenset[str]) -> bool:
    """Return whether the stem `word` is among `given`; of long ones the first letters are enough."""
    if word in given:
        return True
    start = word[: _LONG_WORD + 1]
    return len(word) > _LONG_WORD and any(len(other) > _LONG_WORD and other.startswith(start) for other in given)


def _opposites(one: Text, other: Text) -> int:
    a, b = set(one.tokens), set(other.tokens)
    return sum(bool(a & group) and bool(b & group) and not a & b & group for group in _OPPOSITES)


def _denies(text: Text) -> bool:
    return bool(_ASKS_NEGATION.search(text.text))


def _distance(asked: frozenset[str], claim: Text | frozenset[str], sentence: Text) -> float:
    """Return the log distance in words between the claim and the nearest word of the question in its sentence."""
    if isinstance(claim, Text):
        place = sentence.position(claim.tokens)
    else:
        place = next((i for i, word in enumerate(sentence.tokens) if stem(word) in claim), -1)
    away = [abs(i - place) for i, word in enumerate(sentence.tokens) if stem(word) in asked] if place >= 0 else []
    return math.log1p(min(away)) if away else _FAR


def _in_order(claim: Text, sentence: Text) -> float:
    """Return the share of the claim's words that stand in the sentence in the same order, 0..1."""
    a, b = claim.tokens, sentence.tokens
    row = [0] * (len(b) + 1)
    for word in a:
        diagonal = 0
        for j, other in enumerate(b, start=1):
            diagonal, row[j] = row[j], diagonal + 1 if word == other else max(row[j], row[j - 1])
    return row[-1] / len(a) if a else 0.0
