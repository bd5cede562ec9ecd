"""`assistant eval run`: one file or folder of labelled questions, measured through the product's own path."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from assistant.cli.session import connect
from assistant.evaluation import calling, grounded, report, retrieval
from assistant.evaluation.errors import RowsUnusable
from assistant.evaluation.given import GivenSearch, cutter
from assistant.evaluation.grounded import Asked, Outcome
from assistant.evaluation.product import Product, Say, product
from assistant.evaluation.questions import Question, read
from assistant.evaluation.remote import ApiAsked
from assistant.settings import Settings
from assistant.types import TurnOptions
from ingest.chunk import Chunker
from ingest.tokens import TokenCounter
from knowledge.embed import open_embedder

DEFAULT_ROUTE = "assistant"

Tell = Callable[[int, int], None]  # done, of how many


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be measured."""

    source: Path  # a file of questions, or a retrieval folder
    collections: tuple[str, ...] = ()  # empty: what the file brings along
    routes: tuple[str, ...] = (DEFAULT_ROUTE,)
    limit: int | None = None
    rows: Path | None = None  # where to write one JSON line per question and route


async def run(job: Job, settings: Settings, say: Say, tell: Tell) -> dict[str, Any]:
    """Return what the measurement came to: {"source", "kind", "routes": {route: summary}}.

    Rows are written as they come, so that a run that is stopped leaves those it had. `say` gets sentences, `tell`
    how many are done.
    Raises EvaluationError when the source is unusable or there is nothing to measure.
    """
    if job.source.is_dir():
        if not retrieval.is_folder(job.source):
            raise RowsUnusable(f"{job.source} is not a retrieval folder: corpus.jsonl, queries.jsonl, qrels.tsv.")
        return await _retrieval(job, settings, say, tell)
    if calling.is_file(job.source):
        return await _calling(job, settings, say, tell)
    questions = read(job.source, job.limit)
    if not job.collections:
        bare = next((each for each in questions if each.answerable and not each.contexts), None)
        if bare:
            raise RowsUnusable(
                f"The question {bare.id!r} brings no contexts to be answered from. "
                "Add them, or name the documents to ask with --collection."
            )
    with _rows(job.rows) as rows:
        summaries = {}
        async with _asked(job, settings, say) as ask_of:
            for route in job.routes:
                found = await _measured(questions, ask_of(route), route, rows, tell)
                summaries[route] = report.grounded_summary(found)
    return {"source": str(job.source), "kind": "grounded", "routes": summaries}


async def _measured(
    questions: Sequence[Question], ask: Asked, route: str, rows: TextIO | None, tell: Tell
) -> list[Outcome]:
    found: list[Outcome] = []
    async for outcome in grounded.outcomes(questions, ask):
        found.append(outcome)
        _write(rows, {**grounded.row(outcome), "asked": route})
        tell(len(found), len(questions))
    return found


@asynccontextmanager
async def _asked(job: Job, settings: Settings, say: Say) -> AsyncIterator[Callable[[str], Asked]]:
    """Yield what makes a way to ask for a route: over HTTP when collections are named, else within this process."""
    if job.collections:
        with connect(settings) as client:
            yield lambda route: ApiAsked(client, job.collections, route)
        return
    async with product(settings, say) as made:
        yield lambda route: _given(made, settings, route)


def _given(made: Product, settings: Settings, route: str) -> Asked:
    cut = cutter(Chunker(settings.ingest, TokenCounter()))

    def search_of(question: Question) -> GivenSearch:
        return GivenSearch(question.contexts, lambda texts: made.embedder.embed(list(texts)), cut)

    return grounded.asking(made.turns, search_of, replace(TurnOptions(), model=route, fresh=True))


async def _calling(job: Job, settings: Settings, say: Say, tell: Tell) -> dict[str, Any]:
    """Measure function calls: the way of the product for small models, and the same model with a plain prompt."""
    rows_in = calling.read(job.source, job.limit)
    summaries: dict[str, Any] = {}
    with _rows(job.rows) as rows:
        async with product(settings, say) as made:
            for route in job.routes:
                model = (await made.models.choose(calling.any_turn(route))).model
                ways = calling.ways(model, made.embedder.embed, settings.skills)
                for name, way in ways.items():
                    label = route if name == "ours" else f"{route}, {name}"
                    found = []
                    for row in rows_in:
                        found += await calling.measure([row], way)
                        _write(rows, {**calling.as_row(found[-1]), "asked": label})
                        tell(len(found), len(rows_in))
                    summaries[label] = calling.report(found)
    return {"source": str(job.source), "kind": "calling", "routes": summaries}


async def _retrieval(job: Job, settings: Settings, say: Say, tell: Tell) -> dict[str, Any]:
    wanted = retrieval.queries(job.source, job.limit)
    embedder = open_embedder(settings.knowledge)
    chunker = Chunker(settings.ingest, TokenCounter())
    say("Taking the corpus in ...")
    found: list[retrieval.Ranked] = []
    with _rows(job.rows) as rows, retrieval.searching(job.source, embedder, chunker, tell) as corpus:
        say("Searching ...")
        async for result in retrieval.ranked(corpus.search, wanted, None):
            found.append(result)
            _write(rows, retrieval.row(result))
            tell(len(found), len(wanted))
    ndcg, recall = [retrieval.ndcg(result) for result in found], [retrieval.recall(result) for result in found]
    summary = report.ranking_summary(ndcg, recall, [result.ms for result in found])
    return {"source": str(job.source), "kind": "retrieval", "routes": {"search": summary}}


@contextmanager
def _rows(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise RowsUnusable(f"{path} cannot be written ({error.strerror}). Choose another file with --rows.") from error
    with file:
        yield file


def _write(rows: TextIO | None, row: dict[str, Any]) -> None:
    if rows is not None:
        rows.write(json.dumps(row, ensure_ascii=False) + "\n")
        rows.flush()
