"""The desk: finds the curated answer to a question, for those who may read it and everything that it cites."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from sqlalchemy import Engine

from assistant.curated import store
from assistant.curated.store import Curated
from assistant.guardrails.words import tokens
from assistant.near import same_particulars
from assistant.types import Answer, Route
from knowledge.types import Scope, Vectors

Embed = Callable[[list[str]], Vectors]
ROUTE = Route("", None, "none", "curated")


class Desk:
    """Curated answers with the vectors of their questions, which follow the database; safe from several threads."""

    def __init__(self, engine: Engine, embed: Embed, closeness: float) -> None:
        """Take a question for a written one from this cosine on, 0..1; 0: only in the very same words."""
        self._engine = engine
        self._embed = embed
        self._closeness = closeness
        self._lock = threading.Lock()
        self._version: tuple[int, float] = (0, 0.0)
        self._known: list[tuple[str, Curated]] = []  # wording, answer
        self._vectors: Vectors = np.zeros((0, 0), np.float32)

    def find(self, question: str, scope: Scope) -> Answer | None:
        """Return the curated answer to `question` that `scope` may read, None without one; takes a few milliseconds."""
        with self._lock:
            self._follow()
            known, vectors = self._known, self._vectors
        if not known:
            return None
        for one in self._candidates(question, known, vectors):
            if store.readable(self._engine, scope, one):
                store.count(self._engine, one.id)
                return _answer(one)
        return None

    def _candidates(self, question: str, known: list[tuple[str, Curated]], vectors: Vectors) -> list[Curated]:
        """Return the answers whose question is asked, the very same words first, then the closest."""
        words = tokens(question)
        same = [one for wording, one in known if tokens(wording) == words]
        if same or not self._closeness:
            return same
        closeness = vectors @ self._embed([question])[0]
        order = [place for place in np.argsort(-closeness) if closeness[place] >= self._closeness]
        return [known[place][1] for place in order if same_particulars(question, known[place][0])]

    def _follow(self) -> None:
        version = store.version(self._engine)
        if version == self._version:
            return
        known = [(text, one) for one in store.everything(self._engine) if one.enabled for text in one.questions]
        if self._closeness and known:
            self._vectors = self._embed([text for text, _ in known])
        self._known, self._version = known, version


def _answer(one: Curated) -> Answer:
    return Answer(
        text=one.answer,
        citations=one.citations,
        abstained=False,
        grounded=bool(one.citations),  # an administrator vouches for it
        degraded=False,
        route=ROUTE,
    )
