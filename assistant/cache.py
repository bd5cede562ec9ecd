"""Answers from memory: the same question, of the same reader, over the same documents, put to the same model.

The key holds everything that an answer depends on, so nothing ever has to be forgotten on purpose: other rights, a new
document or another prompt make another key. near.py adds questions in other words, kept.py puts both together.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assistant.orchestration.prompts import Message
from assistant.types import Answer, Route, Turn, TurnOptions


@dataclass(frozen=True, slots=True)
class Key:
    """What an answer depends on."""

    scope: str  # the fingerprint of the caller's rights
    knowledge: int  # version of the documents and of the rights on them
    route: Route
    prompt: str  # version of the prompt
    question: str
    said: str  # hash of what was said before
    options: TurnOptions


def key_of(turn: Turn, knowledge: int, route: Route, prompt: str, attached: bool) -> Key:
    """Return what the answer to a turn depends on; `attached`: its conversation has files of its own."""
    options = turn.options if attached else replace(turn.options, conversation_id=None)
    fingerprint = turn.caller.scope.fingerprint
    return Key(fingerprint, knowledge, route, prompt, turn.question, said(turn.history), options)


class AnswerCache:
    """Keeps the last answers in memory; used from one event loop."""

    def __init__(self, entries: int, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep at most `entries` answers, each at most `ttl_s` seconds; 0 entries: none."""
        self._entries = entries
        self._ttl_s = ttl_s
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, Answer]] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        """Return how many answers are kept, those past their time included."""
        return len(self._kept)

    def get(self, key: Key) -> Answer | None:
        """Return the answer of exactly this key, None when there is none or it is too old."""
        found = self._kept.get(key)
        if found is None or found[0] <= self._clock():
            self._kept.pop(key, None)
            self.misses += 1
            return None
        self._kept.move_to_end(key)
        self.hits += 1
        return found[1]

    def put(self, key: Key, answer: Answer) -> bool:
        """Keep `answer` when it would be given again: whole, from a model, nothing out of order; tell whether it is."""
        if not self._entries or answer.degraded or answer.notice or answer.stopped_by != "stop":
            return False
        self._kept[key] = (self._clock() + self._ttl_s, answer)
        self._kept.move_to_end(key)
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)
        return True


def said(history: Sequence[Message]) -> str:
    """Return 16 hex digits that differ between different histories."""
    digest = hashlib.sha256()
    for message in history:
        for part in (message.role, message.content):
            digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:16]
