"""Near questions: the same answer for a question in other words, of the same reader, over the same documents.

Two questions count as the same when their embeddings are close and their particulars are equal: numbers, names, and the
words that turn a question round. Closeness alone takes "door 3" for "door 4" (docs/serving.md has the measurement).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from assistant.cache import Key
from assistant.guardrails.facts import names
from assistant.guardrails.words import tokens
from assistant.types import Answer
from knowledge.types import Vectors

_TURNING_WORDS = """
    not no never without except unless before after more less most least fewer first last minimum maximum min max old
    new who whom whose when where when why which only other another cannot
"""
_TURNING = frozenset(_TURNING_WORDS.split())


def same_particulars(one: str, other: str) -> bool:
    """Return whether two questions agree in their numbers, their names and the words that turn a question round."""
    mine, theirs = frozenset(tokens(one)), frozenset(tokens(other))
    differ = mine ^ theirs
    if any(word in _TURNING or word.endswith("n't") or any(map(str.isdigit, word)) for word in differ):
        return False
    named = {word for name in names(one) | names(other) for word in tokens(name)}
    return not named & differ


@dataclass(frozen=True, slots=True)
class _Entry:
    vector: Vectors
    until: float
    answer: Answer


class NearCache:
    """Keeps the last answers by the embeddings of their questions; used from one event loop."""

    def __init__(
        self, closeness: float, entries: int, ttl_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take questions for the same from this cosine on (0..1; 0: never); keep `entries` for `ttl_s` seconds."""
        self.closeness = closeness
        self._entries = entries if closeness else 0
        self._ttl_s = ttl_s
        self._clock = clock
        self._kept: OrderedDict[Key, _Entry] = OrderedDict()
        self._parts: dict[Key, set[Key]] = {}  # what may be compared: keys that differ in the question alone

    def __len__(self) -> int:
        """Return how many answers are kept."""
        return len(self._kept)

    def get(self, key: Key, vector: Vectors) -> Answer | None:
        """Return the answer to the closest question that counts as the same as `key`'s, None without one."""
        part = _part(key)
        for old in [one for one in self._parts.get(part, ()) if self._kept[one].until <= self._clock()]:
            self._forget(old)
        keys = list(self._parts.get(part, ()))
        if not keys:
            return None
        closeness = np.stack([self._kept[one].vector for one in keys]) @ vector
        for place in np.argsort(-closeness):
            if closeness[place] < self.closeness:
                return None
            if same_particulars(key.question, keys[place].question):
                self._kept.move_to_end(keys[place])
                return self._kept[keys[place]].answer
        return None

    def put(self, key: Key, vector: Vectors, answer: Answer) -> None:
        """Keep the answer to a question."""
        if not self._entries:
            return
        self._kept[key] = _Entry(vector, self._clock() + self._ttl_s, answer)
        self._kept.move_to_end(key)
        self._parts.setdefault(_part(key), set()).add(key)
        while len(self._kept) > self._entries:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Key) -> None:
        del self._kept[key]
        part = _part(key)
        self._parts[part].discard(key)
        if not self._parts[part]:
            del self._parts[part]


def _part(key: Key) -> Key:
    return replace(key, question="")
