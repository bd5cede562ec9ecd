"""From chunk rows to passages: the last look at the caller's rights, and no thing said twice."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Engine, Select, select

from knowledge.access import bound, rows_readable
from knowledge.database import reading
from knowledge.tables import chunks, collections, documents
from knowledge.types import Passage, Scope
from knowledge.words import plain_words

_SAME_WORDS = 0.9  # share of common words from which two passages say the same
GIVES_WAY_TO = 0.5  # of its score, by which another document may take the place of a passage of a document with enough


def read(engine: Engine, scope: Scope, collection_ids: Ids[str] | None, rows: Ids[int]) -> dict[int, Passage]:
    """Return by row those chunks that still exist, are enabled, lie in the collections and may be read by `scope` now.

    Their scores are 0 and None: the search fills them in.
    """
    statement = _readable(scope.sees_all, collection_ids is None)
    with reading(engine) as connection:
        return {
            found.row: Passage(
                chunk_id=found.id,
                document_id=found.document_id,
                collection_id=found.collection_id,
                title=found.title,
                path=found.path,
                text=found.text,
                heading=found.heading,
                page=found.page,
                anchor=found.anchor,
                score=0.0,
            )
            for found in connection.execute(statement, bound(scope, collection_ids, rows))
        }


@cache
def _readable(sees_all: bool, everywhere: bool) -> Select[Any]:
    return (
        select(chunks, documents.c.title, documents.c.path)
        .join(documents, documents.c.id == chunks.c.document_id)
        .join(collections, collections.c.id == documents.c.collection_id)
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
        words = frozenset(plain_words(passage.text))
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
