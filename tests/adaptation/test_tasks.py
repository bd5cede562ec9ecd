from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.adaptation.errors import ParityError
from assistant.adaptation.evaluate import report, write_rows
from assistant.adaptation.parity import agreement, require
from assistant.adaptation.rows import Row, normal, read
from assistant.adaptation.tasks import run, tasks
from assistant.orchestration import prompts
from assistant.orchestration.prompts import Message
from tests.adaptation.conftest import hashed

PROMPT = prompts.load("grounded_answer")


@pytest.fixture
def rows(rows_file: Path) -> list[Row]:
    return read(rows_file)


def test_it_shows_the_gold_passage_only_where_the_question_is_answerable(rows: list[Row]) -> None:
    found = tasks(rows, hashed, limit=20, seed=1)
    assert {kind: len(of) for kind, of in found.items()} == {"answerable": 20, "removed": 20, "adversarial": 10}
    wanted = {row.id: row.answers for row in rows}
    for task in found["answerable"]:
        assert any(f" {normal(task.answers[0])} " in f" {normal(task.passages[n - 1].text)} " for n in task.gold)
    for task in found["removed"]:
        [answer] = wanted[task.id.removesuffix("/removed")]
        assert task.gold == ()
        assert not any(f" {answer} " in passage.text for passage in task.passages)
    assert all(1 < len(task.passages) <= 5 for of in found.values() for task in of)


def test_it_draws_the_same_tasks_again(rows: list[Row]) -> None:
    assert tasks(rows, hashed, 5, seed=1) == tasks(rows, hashed, 5, seed=1)
    assert tasks(rows, hashed, 5, seed=1) != tasks(rows, hashed, 5, seed=2)


def test_it_scores_replies_and_counts_adversarial_questions_apart(rows: list[Row], tmp_path: Path) -> None:
    given = [task for of in tasks(rows, hashed, 5, seed=1).values() for task in of]
    answers = iter(f"{t.answers[0]} [{t.gold[0]}]." if t.gold else PROMPT.abstention for t in given)
    seen: list[list[Message]] = []

    def complete(asked: object) -> list[str]:
        seen.extend(asked)  # type: ignore[call-overload]
        return list(answers)

    found = run(given, complete, PROMPT, shots=[Message("user", "shot")])
    scores = report(found)
    assert scores["token_f1"].mean == scores["citation_precision"].mean == scores["abstention_recall"].mean == 1
    assert scores["adversarial_abstention"].n == 5
    assert [message.role for message in seen[0]] == ["system", "user", "user"]
    write_rows(found, tmp_path / "out.jsonl")
    first = json.loads((tmp_path / "out.jsonl").read_text("utf-8").splitlines()[0])
    assert {"id", "kind", "question", "answer", "f1", "abstained"} <= set(first)


def test_it_compares_replies_word_by_word() -> None:
    found = agreement(["a b c d", "x"], ["a b c e", "x"])
    assert (found.same, found.prefix) == (0.5, 0.875)
    require(found, 0.8, ("left", "right"))
    with pytest.raises(ParityError, match="left and right agree on 88%"):
        require(found, 0.9, ("left", "right"))
