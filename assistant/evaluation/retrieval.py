"""Retrieval folders: a corpus is taken in as documents, and each query goes through the product's own search."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from math import log2
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import Engine

from assistant.evaluation.errors import RowsUnusable
from assistant.evaluation.questions import lines
from ingest import jobs
from ingest.chunk import Chunker
from ingest.types import Block
from knowledge import chunks, collections, documents
from knowledge.database import connect
from knowledge.embed import passage_text
from knowledge.indexes import Indexes
from knowledge.search import Search
from knowledge.tables import metadata
from knowledge.types import Embedder, NewChunk, Passage, Scope

DEPTH = 10  # documents that count
_FOUND = 30  # passages asked for, so that ten different documents are among them
_EVERYTHING = Scope(frozenset(), sees_all=True)
_LEASE_S = 600.0

Tell = Callable[[int, int], None]  # done, of how many


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for, and how relevant which documents are."""

    id: str
    text: str
    relevant: Mapping[str, float]  # document id -> grade; those above 0 are relevant


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a search returned for a query."""

    query: Query
    documents: tuple[str, ...]  # ids as the corpus gives them, best first, each once
    passages: tuple[Passage, ...]
    ms: float


def is_folder(path: Path) -> bool:
    """Return whether `path` holds corpus, queries and judgements."""
    return all((path / name).is_file() for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"))


def queries(folder: Path, limit: int | None = None) -> list[Query]:
    """Return the queries that have judgements, in the file's order, at most `limit`. Raises RowsUnusable."""
    grades: dict[str, dict[str, float]] = {}
    try:
        with (folder / "qrels.tsv").open(encoding="utf-8", newline="") as file:
            for row in list(csv.reader(file, delimiter="\t"))[1:]:
                grades.setdefault(row[0], {})[row[1]] = float(row[2])
    except (OSError, ValueError, IndexError) as error:
        problem = f"{folder / 'qrels.tsv'} cannot be read ({error}). Give query, document and score in each line."
        raise RowsUnusable(problem) from error
    found = [
        Query(str(raw["id"]), str(raw["text"]), grades[str(raw["id"])])
        for _, raw in lines(folder / "queries.jsonl")
        if any(grade > 0 for grade in grades.get(str(raw.get("id")), {}).values())
    ]
    if not found:
        raise RowsUnusable(f"{folder} has no query with a relevant document. Check that the ids in qrels.tsv agree.")
    return found[:limit]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus that was taken in, for as long as it is measured."""

    engine: Engine
    indexes: Indexes
    search: Search


@contextmanager
def searching(folder: Path, embedder: Embedder, chunker: Chunker, tell: Tell) -> Iterator[Corpus]:
    """Yield the corpus of `folder` in a database and indexes that are gone afterwards."""
    corpus = [raw for _, raw in lines(folder / "corpus.jsonl")]
    with TemporaryDirectory(prefix="assistant-eval-") as temporary:
        engine = connect(f"sqlite:///{Path(temporary) / 'corpus.db'}")
        metadata.create_all(engine)
        place = collections.create(engine, "corpus", "", ["everyone"]).id
        for number, raw in enumerate(corpus, start=1):
            identifier, title, text = str(raw["id"]), str(raw.get("title") or ""), str(raw["text"])
            digest = sha256(text.encode()).hexdigest()
            documents.add(engine, place, title, identifier, "text/plain", len(text), digest, (), "evaluation")
            job = jobs.claim(engine, "evaluation", _LEASE_S)
            assert job is not None  # what was just added
            cut = [prepared.chunk for prepared in chunker.chunks(title, [Block("text", text)])] or [NewChunk(" ")]
            vectors = embedder.embed([passage_text(title, chunk.heading, chunk.text) for chunk in cut])
            chunks.replace(engine, job.document_id, job.lease, cut, vectors, embedder.name, title)
            tell(number, len(corpus))
        indexes = Indexes(engine, Path(temporary) / "indexes", embedder.name, embedder.dimension)
        try:
            indexes.step()
            yield Corpus(engine, indexes, Search(engine, indexes, embedder))
        finally:
            indexes.stop()
            engine.dispose()


async def ranked(search: Search, wanted: Sequence[Query], collections: tuple[str, ...] | None) -> AsyncIterator[Ranked]:
    """Yield what the search returns for each query, in order."""
    for query in wanted:
        started = perf_counter()
        found = (await search.search_detailed(query.text, _EVERYTHING, collections, _FOUND)).passages
        took = (perf_counter() - started) * 1000
        ids = tuple(dict.fromkeys(passage.path for passage in found))[:DEPTH]
        yield Ranked(query, ids, tuple(found), took)


def row(result: Ranked) -> dict[str, Any]:
    """Return a result as one line of `--rows`."""
    best: dict[str, Passage] = {}
    for passage in result.passages:
        best.setdefault(passage.path, passage)
    retrieved = [
        {"document": name, "title": best[name].title, "path": name, "score": round(best[name].score, 4)}
        for name in result.documents
    ]
    return {"id": result.query.id, "retrieved": retrieved, "timings_ms": {"search": round(result.ms, 1)}}


def ndcg(result: Ranked) -> float:
    """Return nDCG@10 of a result, 0..1, with the grades themselves as gains."""
    gains = [max(result.query.relevant.get(document, 0.0), 0.0) for document in result.documents]
    ideal = sorted((grade for grade in result.query.relevant.values() if grade > 0), reverse=True)[:DEPTH]
    return _discounted(gains) / _discounted(ideal)


def recall(result: Ranked) -> float:
    """Return the share of the relevant documents that are among the first ten, 0..1."""
    relevant = {document for document, grade in result.query.relevant.items() if grade > 0}
    return len(relevant & set(result.documents)) / len(relevant)


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / log2(rank) for rank, gain in enumerate(gains, start=2))
