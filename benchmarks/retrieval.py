"""nDCG@10 and recall@10 of the product's search beside each of its stages alone and beside plain BM25.

    python benchmarks/retrieval.py FOLDER [FOLDER ...] [--queries N] [--reranker FILE]

A folder holds corpus.jsonl, queries.jsonl and qrels.tsv. Each corpus is cut and embedded by the product's own code.
Dense alone compares every vector; plain BM25 is tantivy with its English stemmer, titles before the texts. With
`--reranker` the same queries are searched once more with that cross-encoder, beside the search without it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import tantivy

from assistant.evaluation import retrieval
from assistant.evaluation.questions import lines
from assistant.evaluation.retrieval import Corpus, Query, Ranked
from benchmarks.report import Figure, show
from ingest.chunk import Chunker
from ingest.settings import IngestSettings
from ingest.tokens import TokenCounter
from knowledge import passages
from knowledge.database import reading
from knowledge.embed import OnnxEmbedder
from knowledge.rerank import OnnxReranker
from knowledge.search import Search
from knowledge.types import Scope, StageScores

EVERYTHING = Scope(frozenset(), sees_all=True)
HITS = 60  # chunks, so that ten different documents are among them

Way = Callable[[str], Sequence[str]]  # a question -> document ids, best first


def main() -> int:
    """Print the figures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--queries", type=int, help="at most so many of each folder")
    parser.add_argument("--reranker", type=Path, help="ONNX file; show what it adds, and what it takes")
    given = parser.parse_args()
    embedder, chunker = OnnxEmbedder(), Chunker(IngestSettings(), TokenCounter())
    figures: list[Figure] = []
    means: dict[str, list[float]] = {}
    for folder in given.folders:
        wanted = retrieval.queries(folder, given.queries)
        with retrieval.searching(folder, embedder, chunker, _tell) as corpus:
            ours = asyncio.run(_searched(corpus.search, wanted))
            again = (
                Search(corpus.engine, corpus.indexes, embedder, OnnxReranker(given.reranker))
                if given.reranker
                else None
            )
            reranked = asyncio.run(_searched(again, wanted)) if again else []
            ways = {"dense alone": _dense(corpus, embedder), "keyword alone": _keyword(corpus), "BM25": _bm25(folder)}
            scores = {name: _score(wanted, way) for name, way in ways.items()}
        mine = statistics.mean(map(retrieval.ndcg, ours))
        for name, (ndcg, _) in scores.items():
            goal = ">= the better of both stages" if name != "BM25" else ""
            figures.append(Figure(f"{folder.name} nDCG@10", mine, "", name, ndcg, goal))
            means.setdefault(name, []).append(ndcg)
        means.setdefault("search", []).append(mine)
        figures += _second_look(folder.name, ours, reranked) if reranked else []
        recall = statistics.mean(map(retrieval.recall, ours))
        figures.append(Figure(f"{folder.name} recall@10", recall, "", "dense alone", scores["dense alone"][1]))
    for name in ("dense alone", "keyword alone", "BM25"):
        average, other = statistics.mean(means["search"]), statistics.mean(means[name])
        figures.append(Figure("mean nDCG@10", average, "", name, other, "> 1 in ratio"))
    show("retrieval", figures)
    return 0


async def _searched(search: Search, wanted: Sequence[Query]) -> list[Ranked]:
    return [result async for result in retrieval.ranked(search, wanted, None)]


def _second_look(name: str, ours: Sequence[Ranked], reranked: Sequence[Ranked]) -> list[Figure]:
    before, after = (statistics.mean(map(retrieval.ndcg, results)) for results in (ours, reranked))
    took, takes = (statistics.median(result.ms for result in results) for results in (ours, reranked))
    return [
        Figure(f"{name} nDCG@10, reranked", after, "", "search", before, "> 1 in ratio"),
        Figure(f"{name} time of a search, reranked, p50", takes, "ms", "search", took),
    ]


def _score(wanted: Sequence[Query], way: Way) -> tuple[float, float]:
    results = []
    for query in wanted:
        ids = tuple(dict.fromkeys(way(query.text)))[: retrieval.DEPTH]
        results.append(Ranked(query, ids, (), 0.0))
    return statistics.mean(map(retrieval.ndcg, results)), statistics.mean(map(retrieval.recall, results))


def _documents(corpus: Corpus, rows: Sequence[int]) -> list[str]:
    with reading(corpus.engine) as connection:
        found = passages.read(connection, EVERYTHING, None, dict.fromkeys(rows, StageScores()))
    return [found[row].path for row in rows if row in found]


def _dense(corpus: Corpus, embedder: OnnxEmbedder) -> Way:
    def way(question: str) -> list[str]:
        vector = embedder.embed([question])[0]
        return _documents(corpus, [hit.row for hit in corpus.indexes.exact.nearest(vector, HITS)])

    return way


def _keyword(corpus: Corpus) -> Way:
    def way(question: str) -> list[str]:
        with corpus.indexes.keyword.borrow() as index:
            assert index is not None  # `searching` has just made it
            return _documents(corpus, [hit.row for hit in index.search(question, HITS).hits])

    return way


def _bm25(folder: Path) -> Way:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_text_field("text", tokenizer_name="en_stem")
    index = tantivy.Index(builder.build())
    writer = index.writer()
    for _, raw in lines(folder / "corpus.jsonl"):
        text = f"{raw.get('title') or ''}\n{raw['text']}"
        writer.add_document(tantivy.Document(id=str(raw["id"]), text=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def way(question: str) -> list[str]:
        query, _ = index.parse_query_lenient(question, ["text"])
        return [str(searcher.doc(address)["id"][0]) for _, address in searcher.search(query, retrieval.DEPTH).hits]

    return way


def _tell(done: int, total: int) -> None:
    if done % 500 == 0 or done == total:
        print(f"taken in {done} of {total}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
