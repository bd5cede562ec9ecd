"""How likely a passage answers: the reader's score, weighed with how much of the question stands around its words.

The reader's score alone does not mean the same everywhere: questions that use other words than their passage score low
also where it answers, and passages about something near score high. What of the question the passage has is a second
sign. The weights are fitted by benchmarks/reader_decision.py; docs/experiments/2026-11-reader.md has the figures.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from assistant.guardrails.sources import Source, Text
from assistant.guardrails.support import Question, lacking, within
from assistant.guardrails.words import STOP, stem
from knowledge.rarity import rarity
from knowledge.reader import Reading
from knowledge.types import Passage

FILE = Path(__file__).with_name("likelihood.yaml")
_MOST = 20.0  # log-odds of the reader beyond which nothing is added


class Likelihood(BaseModel):
    """A logistic rule over the features of a reading, and the limit of its log-odds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sure: float  # above it the reader's words are the answer
    bias: float
    weights: dict[str, float]

    def log_odds(self, features: Mapping[str, float]) -> float:
        """Return how likely the passage answers; 0 is even."""
        return self.bias + sum(weight * features[name] for name, weight in self.weights.items())


@lru_cache(maxsize=4)
def load(path: Path = FILE) -> Likelihood:
    """Return the rule of a YAML file; raises ValueError (pydantic's) when something is missing or unknown."""
    return Likelihood.model_validate(yaml.safe_load(path.read_text("utf-8")))


def words(passage: Passage, reading: Reading) -> str:
    """Return the answer of a reading; it is one line, because none goes on from a heading into the text."""
    line = max(passage.text[reading.start : reading.end].splitlines(), key=len, default="")
    return " ".join(line.split())


def features(question: Question, passage: Passage, reading: Reading) -> dict[str, float]:
    """Return the numbers that the rule weighs.

    score: the reader's log-odds. around, sentence: the share (0..1, rare words count more) of what the question says
    besides the answer that the sentence of the answer has with its neighbours, and alone; titles and headings count.
    names, numbers: how many of the question's the passage lacks.
    """
    source, claim = Source(1, passage), Text(words(passage, reading))
    asked = [word for word in dict.fromkeys(question.tokens) if word not in STOP]
    asked = [word for word in asked if stem(word) not in claim.stems] or asked
    at = _sentence(source, reading.start)
    names, numbers = lacking(question, claim, source)
    return {
        "score": max(-_MOST, min(_MOST, reading.score)),
        "around": _share(asked, source.around(at) | source.label.stems),
        "sentence": _share(asked, source.sentences[at].stems | source.label.stems),
        "names": float(names),
        "numbers": float(numbers),
    }


def _sentence(source: Source, place: int) -> int:
    """Return which sentence holds the character at `place`."""
    found, end = 0, 0
    for n, sentence in enumerate(source.sentences):
        begin = source.text.find(sentence.text, end)
        if begin > place:
            break
        found, end = n, begin + len(sentence.text)
    return found


def _share(asked: Collection[str], given: frozenset[str]) -> float:
    told = {word: rarity(word) for word in asked}
    return sum(told[word] for word in asked if within(stem(word), given)) / sum(told.values()) if told else 1.0
