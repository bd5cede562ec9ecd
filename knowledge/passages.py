"""From chunk rows to passages: the last look at the caller's rights, and no thing said twice."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Sequence

from sqlalchemy import Engine, select

from knowledge.access import document_readable, in_collections
from knowledge.database import reading
from knowledge.tables import chunks, collections, documents
from knowledge.types import Passage, Scope
from knowledge.words import plain_words

_SAME_WORDS = 0.9  # share of common words from which two passages say the same


def read(engine: Engine, scope: Scope, collection_ids: Ids[str] | None, rows: Ids[int]) -> dict[int, Passage]:
    """Return by row those chunks that still exist, are enabled, lie in the collections and may be read by `scope` now.

    Their scores are 0 and None: the search fills them in.
    """
    statement = (
        select(chunks, documents.c.title, documents.c.path)
        .join(documents, documents.c.id == chunks.c.document_id)
        .join(collections, collections.c.id == documents.c.collection_id)
        .where(
            chunks.c.row.in_(sorted(rows)),
            chunks.c.enabled == 1,
            in_collections(collection_ids),
            document_readable(scope),
        )
    )
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
            for found in connection.execute(statement)
        }


def diverse(passages: Sequence[Passage], limit: int, max_per_document: int) -> list[Passage]:
    """Return at most `limit` of `passages` (best first), in order, without those that repeat a better one.

    No document has more than `max_per_document` of them as long as other documents fill the list; those over the
    number come after, so that a question to a single long document still gets `limit` passages.
    """
    chosen: list[Passage] = []
    over: list[Passage] = []
    said: list[frozenset[str]] = []
    per_document: dict[str, int] = {}
    for passage in passages:
        words = frozenset(plain_words(passage.text))
        if any(_same(words, other) for other in said):
            continue
        said.append(words)
        seen = per_document[passage.document_id] = per_document.get(passage.document_id, 0) + 1
        (chosen if seen <= max_per_document else over).append(passage)
        if len(chosen) == limit:
            break
    return (chosen + over)[:limit]


def _same(words: frozenset[str], other: frozenset[str]) -> bool:
    common = len(words & other)
    return common >= _SAME_WORDS * max(len(words | other), 1)
