"""From chunk rows to passages: the last look at the caller's rights, and no thing said twice."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from functools import cache

from sqlalchemy import Connection, select

from knowledge.access import bound, rows_readable
from knowledge.chunks import page_breaks
from knowledge.prepared import Prepared
from knowledge.tables import chunks, collections, documents
from knowledge.types import Passage, Scope, StageScores
from knowledge.words import distinct_words

_SAME_WORDS = 0.9  # share of common words from which two passages say the same
GIVES_WAY_TO = 0.5  # of its score, by which another document may take the place of a passage of a document with enough


def read(
    connection: Connection, scope: Scope, collection_ids: Ids[str] | None, scores: Mapping[int, StageScores]
) -> dict[int, Passage]:
    """Return by row those of the chunks in `scores` that `scope` may read, by what `connection` sees.

    They still exist, are enabled and lie in the collections. A passage's score is the fused one, 0 if there is none.
    """
    found = _readable(scope.sees_all, collection_ids is None).rows(connection, bound(scope, collection_ids, scores))
    # In the order of the columns of _readable.
    return {
        row: Passage(*[*fields, scores[row].fused or 0.0, scores[row], place, page_breaks(breaks)])
        for row, place, breaks, *fields in found
    }


@cache
def _readable(sees_all: bool, everywhere: bool) -> Prepared:
    its, of = chunks.c, documents.c
    shown = its.id, its.document_id, its.collection_id, of.title, of.path, its.text, its.heading, its.page, its.anchor
    return Prepared(
        select(its.row, its.n, its.page_breaks, *shown)
        .join(documents, of.id == its.document_id)
        .join(collections, collections.c.id == of.collection_id)
        .where(rows_readable(sees_all, everywhere))
    )


def diverse(passages: Sequence[Passage], limit: int, max_per_document: int) -> list[Passage]:
    """Return at most `limit` of `passages` (best first), in order, without those that repeat a better one.

    A document that has `max_per_document` of them gives way to other documents, but only to passages that score at
    least `GIVES_WAY_TO` of its own: the fourth passage of the one document that answers a question is worth more than
    the first of one that does not.
    """
    chosen: list[Passage] = []
    over: list[Passage] = []  # of documents that have enough, best first
    said: list[frozenset[str]] = []
    per_document: dict[str, int] = {}
    for passage in passages:
        words = distinct_words(passage.text)
        if any(_same(words, other) for other in said):
            continue
        said.append(words)
        while over and passage.score < GIVES_WAY_TO * over[0].score:
            chosen.append(over.pop(0))
        seen = per_document[passage.document_id] = per_document.get(passage.document_id, 0) + 1
        (chosen if seen <= max_per_document else over).append(passage)
        if len(chosen) >= limit:
            break
    return (chosen + over)[:limit]


def _same(words: frozenset[str], other: frozenset[str]) -> bool:
    common = len(words & other)
    return common >= _SAME_WORDS * max(len(words) + len(other) - common, 1)  # without making their union
