"""Near misses: which passages a search would wrongly bring for a question.

Keyword and vector ranks are fused the way the product fuses them, over the passages of one pool.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], NDArray[np.float32]]  # unit vectors, (texts, dimensions)

RANK_OFFSET = 60  # reciprocal rank fusion, Cormack et al. 2009
K1, B = 1.2, 0.75  # BM25, the usual constants


class Pool:
    """Passages that compete for questions."""

    def __init__(self, texts: Sequence[str], embed: Embed) -> None:
        """Index `texts`; positions in this sequence are the ids that `rank` returns."""
        self._embed = embed
        self._vectors = embed(texts)
        bags = [Counter(_terms(text)) for text in texts]
        self._lengths = np.array([sum(bag.values()) for bag in bags], np.float32)
        postings: dict[str, list[tuple[int, int]]] = {}
        for number, bag in enumerate(bags):
            for term, count in bag.items():
                postings.setdefault(term, []).append((number, count))
        self._postings = {term: np.array(pairs, np.int64) for term, pairs in postings.items()}

    def rank(self, questions: Sequence[str], limit: int) -> list[list[int]]:
        """Return for each question the positions of its `limit` best passages, best first."""
        dense = self._embed(questions) @ self._vectors.T
        return [
            self._fuse(scores, self._bm25(question), limit) for question, scores in zip(questions, dense, strict=True)
        ]

    def _fuse(self, dense: NDArray[np.float32], keyword: NDArray[np.float32], limit: int) -> list[int]:
        fused = np.zeros(len(dense))
        for scores in (dense, keyword):
            order = np.argsort(-scores, kind="stable")[: 4 * limit]
            fused[order] += 1 / (RANK_OFFSET + np.arange(len(order)))
        return [int(n) for n in np.argsort(-fused, kind="stable")[:limit]]

    def _bm25(self, question: str) -> NDArray[np.float32]:
        scores = np.zeros(len(self._lengths), np.float32)
        norm = K1 * (1 - B + B * self._lengths / max(float(self._lengths.mean()), 1.0))
        for term in set(_terms(question)):
            found = self._postings.get(term)
            if found is not None:
                numbers, counts = found[:, 0], found[:, 1]
                idf = np.log(1 + (len(scores) - len(numbers) + 0.5) / (len(numbers) + 0.5))
                scores[numbers] += idf * counts * (K1 + 1) / (counts + norm[numbers])
        return scores


def _terms(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
