"""Answers in JSON over given passages, with and without the one that answers: right, wrongly filled, or refused.

    python benchmarks/json_answers.py --data FOLDER [--limit 60] [--file xquad_en.jsonl] [--json] [--rows FILE]

The questions and passages are those of grounded_answers.py, the schema is {"answer": string}, and the model is the one
that ships. A value is right when it has a token F1 of at least 0.5 with a reference answer; it is wrongly filled when
it is not, or when no passage answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from assistant.adaptation import publish, recipe
from assistant.adaptation.adapter import open_adapter
from assistant.adaptation.evaluate import test_tasks
from assistant.adaptation.metrics import token_f1
from assistant.adaptation.tasks import Task
from assistant.adaptation.vectors import RememberingEmbedder
from assistant.evaluation.product import product
from assistant.models.types import Sampling
from assistant.settings import Settings
from assistant.types import Answer, Turn, TurnOptions
from benchmarks.grounded_answers import FILES
from benchmarks.grounded_turns import AT_ONCE, CALLER, found
from benchmarks.report import Figure, show

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
RIGHT_FROM = 0.5  # token F1 with a reference answer

Outcome = Literal["right", "wrongly filled", "refused"]


def outcome(task: Task, answer: Answer) -> Outcome:
    """Return what became of a task; a sentence in place of JSON refuses."""
    try:
        said = json.loads(answer.text)["answer"]
    except ValueError:
        return "refused"
    return "right" if token_f1(said, task.answers) >= RIGHT_FROM else "wrongly filled"


async def answers(tasks: Sequence[Task]) -> list[Answer]:
    """Return the product's answers to the tasks, in order."""
    places = asyncio.Semaphore(AT_ONCE)
    sampling = Sampling(max_tokens=64, json_schema=SCHEMA)
    with tempfile.TemporaryDirectory() as folder:
        async with product(Settings(data_dir=Path(folder)), lambda said: print(said, file=sys.stderr)) as made:

            async def one(task: Task) -> Answer:
                given = tuple(found(n, passage) for n, passage in enumerate(task.passages, start=1))
                turn = Turn(task.id, task.question, (), CALLER, TurnOptions(sampling=sampling, given=given))
                async with places:
                    async for event in made.turns.run(turn):
                        if event.answer is not None:
                            return event.answer
                raise AssertionError("a turn ended without an answer")

            return list(await asyncio.gather(*(one(task) for task in tasks)))


def shares(outcomes: Mapping[str, Sequence[Outcome]]) -> list[Figure]:
    """Return the share of each outcome for questions that a passage answers and for those that none does."""
    told: list[tuple[str, Outcome]] = [
        ("answerable", "right"), ("answerable", "wrongly filled"), ("answerable", "refused"),
        ("removed", "wrongly filled"), ("removed", "refused"),
        ("adversarial", "wrongly filled"), ("adversarial", "refused"),
    ]  # fmt: skip
    return [
        Figure(f"{kind}, {which}", outcomes[kind].count(which) / len(outcomes[kind]), "of 1")
        for kind, which in told
        if outcomes.get(kind)
    ]


def main() -> None:
    """Measure and print a table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=60, help="questions of each kind")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "inhouse-benchmarks")
    parser.add_argument("--file", choices=FILES, default="xquad_en.jsonl")
    parser.add_argument("--rows", type=Path, help="a file that takes each answer as a line of JSON")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    chosen = recipe.load(open_adapter(publish.DEFAULT).folder / "recipe.yaml")
    embed = RememberingEmbedder(options.cache / "test.vectors.npz")
    by_kind = test_tasks(options.data / options.file, chosen, embed, options.limit)
    embed.save()
    tasks = [task for kind in by_kind.values() for task in kind]
    said = asyncio.run(answers(tasks))
    outcomes: dict[str, list[Outcome]] = {}
    rows = []
    for task, answer in zip(tasks, said, strict=True):
        outcomes.setdefault(task.kind, []).append(outcome(task, answer))
        rows.append({"id": task.id, "kind": task.kind, "text": answer.text, "outcome": outcomes[task.kind][-1]})
    if options.rows:
        options.rows.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    figures = shares(outcomes)
    if options.json:
        show("json_answers", figures, file=options.file, limit=options.limit)
        return
    for figure in figures:
        print(f"{figure.name:32}{figure.value:6.2f}")


if __name__ == "__main__":
    main()
