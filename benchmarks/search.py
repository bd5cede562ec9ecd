"""How long a search takes at 10,000 and 100,000 chunks, beside bare Chroma and bare BM25 over the same entries.

    python benchmarks/search.py [--chunks 10000 100000] [--queries 200]

Chunks are made of random words. Embedding 100,000 of them would take an hour, so their vectors are seeded random unit
vectors, each near one of 200 topics; making and storing all takes four minutes. The reference embeds the question with
the same model, asks Chroma for 200 neighbours, then tantivy for 200 matches, and stops there: no rights, no fusion, no
texts. Both are asked for the same questions in turn, so that other work on the machine meets both alike. Processor time
is that of all threads; it says what a search costs where others are served at the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import chromadb
import numpy as np
import tantivy
from sqlalchemy import Engine

from benchmarks.report import Figure, percentile, show
from knowledge import chunks, collections, documents
from knowledge.database import connect
from knowledge.embed import OnnxEmbedder
from knowledge.indexes import Indexes
from knowledge.search import OVER_FETCH, Search
from knowledge.tables import documents as documents_table
from knowledge.tables import metadata
from knowledge.types import NewChunk, Scope, Vectors

PERSON = Scope(frozenset({"everyone", "user:ann"}))
PER_DOCUMENT = 50
WORDS = Path(__file__).read_text("utf-8").split() + [f"term{n}" for n in range(20_000)]


def main() -> int:
    """Print the figures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", nargs="+", type=int, default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=200)
    given = parser.parse_args()
    figures: list[Figure] = []
    for count in given.chunks:
        figures += _measured(count, given.queries)
    show("search", figures)
    return 0


def _measured(count: int, queries: int) -> list[Figure]:
    random = np.random.default_rng(7)
    embedder = OnnxEmbedder()
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{folder}/search.db")
        metadata.create_all(engine)
        texts, vectors = _made(count, embedder.dimension, random)
        began = time.perf_counter()
        _stored(engine, texts, vectors, embedder.name)
        indexes = Indexes(engine, Path(folder) / "indexes", embedder.name, embedder.dimension)
        indexes.step()
        print(f"{count} chunks stored and indexed in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        bare = Bare(Path(folder) / "bare", texts, vectors)
        questions = [" ".join(random.choice(WORDS, 8)) for _ in range(queries)]
        ours, theirs = asyncio.run(_timed(Search(engine, indexes, embedder), bare, embedder, questions))
        indexes.stop()
        engine.dispose()
    name, reference = f"search of {count:,} chunks", "bare Chroma and BM25"
    walls = [
        Figure(f"{name}, p{share}", percentile(ours.wall_ms, share / 100), "ms",
               reference, percentile(theirs.wall_ms, share / 100), "ratio <= 1.3")
        for share in (50, 95)
    ]  # fmt: skip
    processor = percentile(ours.processor_ms, 0.5), "ms", reference, percentile(theirs.processor_ms, 0.5)
    return [*walls, Figure(f"{name}, processor time p50", *processor)]


@dataclass(frozen=True, slots=True)
class Times:
    """What each search took."""

    wall_ms: list[float] = field(default_factory=list)
    processor_ms: list[float] = field(default_factory=list)

    def add(self, began: tuple[float, float], ended: tuple[float, float]) -> None:
        """Append one search, given its two clocks."""
        self.wall_ms.append((ended[0] - began[0]) * 1000)
        self.processor_ms.append((ended[1] - began[1]) * 1000)


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


async def _timed(search: Search, bare: Bare, embedder: OnnxEmbedder, questions: list[str]) -> tuple[Times, Times]:
    ours, theirs = Times(), Times()
    for number, question in enumerate(questions):
        began = _clocks()
        await search.search(question, PERSON)
        middle = _clocks()
        bare.ask(question, embedder.embed([question])[0])
        ended = _clocks()
        if number >= len(questions) // 10:  # the first ones warm both
            ours.add(began, middle)
            theirs.add(middle, ended)
    return ours, theirs


class Bare:
    """Chroma and tantivy over the same entries, with nothing around them."""

    def __init__(self, folder: Path, texts: list[str], vectors: Vectors) -> None:
        """Index everything."""
        settings = chromadb.config.Settings(anonymized_telemetry=False)
        self._chroma = chromadb.PersistentClient(str(folder), settings=settings).create_collection(
            "bare", configuration={"hnsw": {"space": "cosine", "ef_search": 200, "max_neighbors": 16}}
        )
        for start in range(0, len(texts), 5_000):
            part = range(start, min(start + 5_000, len(texts)))
            self._chroma.add(ids=[str(n) for n in part], embeddings=vectors[part.start : part.stop])
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("row", stored=True)
        builder.add_text_field("text", tokenizer_name="en_stem")
        self._index = tantivy.Index(builder.build())
        writer = self._index.writer()
        for row, text in enumerate(texts):
            writer.add_document(tantivy.Document(row=row, text=text))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def ask(self, question: str, vector: Vectors) -> int:
        """Return how many hits both give."""
        near = self._chroma.query(query_embeddings=vector[np.newaxis], n_results=OVER_FETCH, include=["distances"])
        query, _ = self._index.parse_query_lenient(question, ["text"])
        hits = self._searcher.search(query, OVER_FETCH).hits
        return len(near["ids"][0]) + len([self._searcher.doc(address)["row"] for _, address in hits])


def _made(count: int, dimension: int, random: np.random.Generator) -> tuple[list[str], Vectors]:
    texts = [" ".join(WORDS[n] for n in some) for some in random.integers(len(WORDS), size=(count, 120))]
    topics = random.standard_normal((200, dimension)).astype(np.float32)
    vectors = topics[random.integers(200, size=count)] + random.standard_normal((count, dimension)).astype(np.float32)
    return texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _stored(engine: Engine, texts: list[str], vectors: Vectors, model: str) -> None:
    place = collections.create(engine, "Benchmark", "", ["everyone"])
    for start in range(0, len(texts), PER_DOCUMENT):
        part = slice(start, start + PER_DOCUMENT)
        name = f"{start}.txt"
        row = documents.add(engine, place.id, name, name, "text/plain", 1, "0" * 64, [], "benchmark")
        with engine.begin() as connection:
            mine = documents_table.c.id == row.id
            connection.execute(documents_table.update().where(mine).values(status="running", lease_owner="b"))
        chunks.replace(engine, row.id, "b", [NewChunk(text) for text in texts[part]], vectors[part], model, name)


if __name__ == "__main__":
    sys.exit(main())
