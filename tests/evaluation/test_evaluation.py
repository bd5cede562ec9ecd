"""Evaluation: questions go through turns over their own contexts, are scored, and rows let anyone score them again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.adaptation import metrics
from assistant.evaluation import grounded, report, retrieval
from assistant.evaluation.errors import RowsUnusable
from assistant.evaluation.given import GivenSearch, cutter
from assistant.evaluation.questions import Given, Question, read
from assistant.evaluation.run import Job, run
from assistant.evaluation.table import table
from assistant.guardrails.grounding import RuleJudge
from assistant.models.fake import ScriptedModel
from assistant.models.types import ModelRequest
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.orchestration.ports import OneModel
from assistant.orchestration.prompts import Message
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.settings import Settings
from assistant.turn import Turns
from assistant.types import Answer, Citation, Route, TurnOptions
from ingest.chunk import Chunker
from ingest.settings import IngestSettings
from ingest.tokens import TokenCounter
from knowledge.embed import OnnxEmbedder
from knowledge.types import Scope

ROWS = [
    {
        "id": "q1",
        "question": "In what country is Normandy?",
        "contexts": [
            {"id": "a", "title": "Gym", "text": "The gym opens at six."},
            {"id": "b", "title": "Normandy", "text": "Normandy is a region in France."},
        ],
        "answers": ["France"],
        "answerable": True,
        "gold": ["b"],
    },
    {
        "id": "q2",
        "question": "Who is the king of Mars?",
        "contexts": [{"id": "c", "title": "", "text": "Mars is a planet."}],
        "answers": [],
        "answerable": False,
    },
    {
        "id": "q3",
        "question": "When does it open?",
        "turns": [{"role": "user", "content": "Is there a gym?"}, {"role": "user", "content": "When does it open?"}],
        "contexts": [{"id": "a", "title": "Gym", "text": "The gym opens at six."}],
        "answers": ["six"],
    },
]


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(threads=1)


@pytest.fixture(scope="module")
def chunker() -> Chunker:
    return Chunker(IngestSettings(), TokenCounter())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n", "utf-8")
    return path


def answering(request: ModelRequest) -> str:
    """Answer like a good model: from the passage that fits, or not at all."""
    passages, question = request.messages[-1].content.split("\n\nQuestion: ")
    right = {"Normandy": "France", "gym": "six"}
    for word, answer in right.items():
        if word in question:
            n = next(p[1] for p in passages.split("\n\n") if answer in p)
            return f"{answer} [{n}]."
    return "The documents do not say."


def turns(embedder: OnnxEmbedder) -> Turns:
    model = OneModel(ScriptedModel([answering]), Route("small", "grounded-answer", "fallback", ""))
    return Turns(ListSearch([]), model, RuleJudge(embedder.embed), OpenGate(), MemoryRecords(), TurnSettings())


def test_it_reads_questions_as_files_give_them(file: Path) -> None:
    found = read(file)
    assert [q.id for q in found] == ["q1", "q2", "q3"]
    assert found[0].gold == frozenset({"b"})
    assert not found[1].answerable
    assert found[2].history == (Message("user", "Is there a gym?"),)
    assert found[2].gold == frozenset({"a"})  # found by the answer itself
    assert len(read(file, limit=1)) == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n\n",
        "not json",
        "[1]",
        '{"id": "x"}',
        '{"question": " ", "answers": []}',
        '{"question": 7, "answers": ["a"]}',
        '{"question": "q"}',
        '{"question": "q", "answer": "a"}',
        '{"question": "q", "answers": "a"}',
        '{"question": "q", "answers": ["a"], "contexts": [1]}',
        "\xff",
    ],
)
def test_it_says_what_is_wrong_with_a_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(RowsUnusable, match="bad.jsonl"):
        read(path)
    with pytest.raises(RowsUnusable, match="missing.jsonl"):
        read(tmp_path / "missing.jsonl")


async def test_it_refuses_questions_that_bring_nothing_to_be_answered_from(tmp_path: Path) -> None:
    path = tmp_path / "bare.jsonl"
    path.write_text('{"question": "How long?", "answers": ["26 weeks"]}', "utf-8")
    with pytest.raises(RowsUnusable, match="--collection"):
        await run(Job(path), Settings(data_dir=tmp_path / "d"), lambda _: None, lambda *_: None)


def test_it_does_not_measure_citations_where_nobody_says_which_are_right() -> None:
    question = Question("q", "How long?", (), (), ("26 weeks",), True, frozenset())
    found = grounded.scored(question, _answer("26 weeks [1]."))
    assert (found.exact, found.citation_precision, found.citation_recall) == (1.0, None, None)
    assert not {"citation_precision", "citation_recall"} & set(metrics.summary([found]))


async def test_it_searches_only_the_contexts_of_the_question(embedder: OnnxEmbedder, chunker: Chunker) -> None:
    contexts = [Given(str(n), f"Title {n}", f"Fact number {n} about cats.") for n in range(9)]
    contexts.append(Given("far", "Leave", "Employees get 25 days of leave. " + "More text follows here. " * 200))
    search = GivenSearch(contexts, lambda texts: embedder.embed(list(texts)), cutter(chunker))
    result = await search.search_detailed("How many days of leave do employees get?", Scope(frozenset()), None, 3)
    assert len(result.passages) == 3
    assert result.passages[0].document_id == "far"
    assert len(result.passages[0].text) < 2000
    assert result.passages[0].score > result.passages[1].score


async def test_it_scores_answers_citations_and_abstentions(
    file: Path, embedder: OnnxEmbedder, chunker: Chunker
) -> None:
    def search_of(question: Question) -> GivenSearch:
        return GivenSearch(question.contexts, lambda texts: embedder.embed(list(texts)), cutter(chunker))

    ask = grounded.asking(turns(embedder), search_of, TurnOptions())
    found = [outcome async for outcome in grounded.outcomes(read(file), ask, at_once=2)]
    assert [outcome.answer.text for outcome in found] == [
        "Normandy is a region in **France**. [1]",
        "The documents do not say.",
        "The gym opens at **six**. [1]",
    ]
    summary = report.grounded_summary(found)
    means = {name: metric["mean"] for name, metric in summary["metrics"].items()}
    assert means["token_f1"] == means["exact_match"] == means["citation_precision"] == 1.0
    assert means["abstention_recall"] == 1.0
    assert means["false_abstentions"] == 0.0
    assert means["retrieval_recall"] == 1.0
    row = grounded.row(found[0])
    assert row["citations"][0]["document"] == "b"
    assert {r["document"] for r in row["retrieved"]} == {"a", "b"}
    assert {"id", "answer", "abstained", "grounded", "route", "timings_ms"} <= row.keys()
    json.dumps(row)
    assert "token F1" in "".join(str(cell) for column in table("t", {"x": summary}).columns for cell in column.cells)


def _answer(text: str, page: int | None = 7) -> Answer:
    cited = Citation(1, "id-1", "Plan", page, "c1", "quote", "", "hr/plan.pdf", "hr", "")
    route = Route("small", None, "fallback", "")
    return Answer(text, (cited,), abstained=False, grounded=True, degraded=False, route=route)


@pytest.mark.parametrize(
    ("gold", "right"),
    [
        ({"file": "Plan", "page": 7}, 1.0),
        ({"file": "hr/plan.pdf", "page": 7}, 1.0),
        ({"file": "Plan", "page": 8}, 0.0),
        ({"file": "Other", "page": 7}, 0.0),
        ({"file": "Plan"}, 1.0),
        ("id-1", 1.0),
    ],
)
def test_it_knows_the_document_and_the_page_that_hold_the_answer(tmp_path: Path, gold: object, right: float) -> None:
    raw = {"id": 1, "question": "How many days?", "contexts": [], "answers": ["28"], "answerable": True, "gold": [gold]}
    _lines(tmp_path / "rows.jsonl", [raw])
    [question] = read(tmp_path / "rows.jsonl")
    assert grounded.scored(question, _answer("28 [1].")).citation_precision == right


@pytest.mark.parametrize("reference", ["28 days", "Every employee has 28 days of paid leave."])
def test_it_compares_the_words_in_bold_or_the_sentence(tmp_path: Path, reference: str) -> None:
    raw = {"id": 1, "question": "How many days?", "contexts": [], "answers": [reference], "answerable": True}
    _lines(tmp_path / "rows.jsonl", [{**raw, "gold": ["Plan"]}])
    [question] = read(tmp_path / "rows.jsonl")
    found = grounded.scored(question, _answer("Every employee has **28 days** of paid leave. [1]"))
    assert (found.exact, found.citation_precision, found.abstained) == (1.0, 1.0, False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    words = ["cats sleep all day", "dogs bark at night", "normandy is in france", "the gym opens at six", "red cars"]
    corpus = [{"id": f"d{n}", "title": f"T{n}", "text": text} for n, text in enumerate(words)]
    asked = [
        {"id": "q1", "text": "when does the gym open"},
        {"id": "q2", "text": "sleeping cats"},
        {"id": "q3", "text": "x"},
    ]
    _lines(tmp_path / "corpus.jsonl", corpus)
    _lines(tmp_path / "queries.jsonl", asked)
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td3\t1\nq2\td0\t2\nq2\td1\t0\n", "utf-8")
    return tmp_path


def _lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")


async def test_it_measures_a_retrieval_folder(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    rows = tmp_path / "out.jsonl"
    job = Job(folder, rows=rows)
    settings = Settings(data_dir=tmp_path / "data")
    found = await run(job, settings, lambda _: None, lambda done, of: told.append((done, of)))
    assert found["kind"] == "retrieval"
    metrics = found["routes"]["search"]["metrics"]
    assert metrics["ndcg@10"]["mean"] == metrics["recall@10"]["mean"] == 1.0
    assert told[-1] == (2, 2)
    written = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    assert [row["retrieved"][0]["document"] for row in written] == ["d3", "d0"]
    assert not (tmp_path / "data").exists()


def test_it_discounts_by_rank() -> None:
    query = retrieval.Query("q", "x", {"a": 2.0, "b": 1.0, "c": 0.0})
    best = retrieval.Ranked(query, ("a", "b"), (), 1.0)
    worse = retrieval.Ranked(query, ("c", "b", "a"), (), 1.0)
    assert retrieval.ndcg(best) == 1.0
    assert 0 < retrieval.ndcg(worse) < 1.0
    assert retrieval.recall(worse) == 1.0
    assert retrieval.ndcg(retrieval.Ranked(query, (), (), 1.0)) == 0.0


@pytest.mark.parametrize("qrels", ["", "h\n", "a\tb\tc\nq1\td3\tx\n", "a\tb\tc\nnobody\td3\t1\n"])
async def test_it_says_what_is_wrong_with_a_folder(folder: Path, qrels: str, tmp_path: Path) -> None:
    (folder / "qrels.tsv").write_text(qrels, "utf-8")
    with pytest.raises(RowsUnusable):
        await run(Job(folder), Settings(data_dir=tmp_path / "d"), lambda _: None, lambda *_: None)


async def test_it_refuses_a_folder_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(RowsUnusable, match="corpus.jsonl"):
        await run(Job(tmp_path), Settings(data_dir=tmp_path / "d"), lambda _: None, lambda *_: None)
