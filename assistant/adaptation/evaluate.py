"""Measure weights on test rows: the base model, the base with examples in its prompt, an adapter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from assistant.adaptation.errors import DatasetError
from assistant.adaptation.metrics import Interval, summary
from assistant.adaptation.neighbours import Embed
from assistant.adaptation.recipe import Recipe
from assistant.adaptation.rows import Row, read
from assistant.adaptation.served import open_backend, replies
from assistant.adaptation.splits import split
from assistant.adaptation.tasks import Reply, Task, run, tasks
from assistant.orchestration import prompts
from assistant.orchestration.prompts import Message

SEED = 1
# One answer and one abstention, over passages of their own.
_SHOT_PASSAGES = [
    ("Travel policy", "Employees may book economy class. Business class needs the approval of a director."),
    ("Leave", "Every employee has 28 days of paid leave a year. Unused days expire on 31 March."),
]
_SHOTS = (("How many days of paid leave do employees have?", "28 days [2]."), ("Who approves sick leave?", ""))


def test_rows(file: Path, recipe: Recipe | None) -> list[Row]:
    """Return the rows of `file` that the recipe did not train on; all of them when it does not name the file."""
    if recipe and file.name in {source.file for source in recipe.sources}:
        pools = split(recipe, file.parent)["test"]
        ids = {row.id for row in read(file)}
        return [row for rows in pools.values() for row in rows if row.id in ids]
    return read(file)


def tables_left_out(rows: Sequence[Row]) -> list[Row]:
    """Return the rows whose single answer stands in running text: a table cannot be searched for near misses."""
    return [
        r for r in rows if not any(r.contexts[n].title == "table" for n in r.gold) and len(r.answers) < 2 or not r.gold
    ]


def example_turns(prompt: prompts.GroundedPrompt) -> list[Message]:
    """Return two example turns, an answer and an abstention, for a model that was not trained on this prompt."""
    turns: list[Message] = []
    for question, answer in _SHOTS:
        turns += [
            prompts.render(prompt, _SHOT_PASSAGES, question)[1],
            Message("assistant", answer or prompt.abstention),
        ]
    return turns


def measure(
    weights: Path, given: Mapping[str, Sequence[Task]], prompt: prompts.GroundedPrompt, few_shot: bool
) -> list[Reply]:
    """Return the scored replies of the local engine's backend over the tasks of every kind."""
    backend = open_backend(weights)
    shots = example_turns(prompt) if few_shot else []
    return run([t for kind in given.values() for t in kind], lambda asked: replies(backend, asked), prompt, shots)


def report(found: Sequence[Reply]) -> dict[str, Interval]:
    """Return the metrics of all replies; adversarial questions are counted apart, as `adversarial_abstention`."""
    usual = summary([reply.scored for reply in found if reply.task.kind != "adversarial"])
    tempting = summary([reply.scored for reply in found if reply.task.kind == "adversarial"])
    if "abstention_recall" in tempting:
        usual["adversarial_abstention"] = tempting["abstention_recall"]
    return usual


def write_rows(found: Sequence[Reply], path: Path) -> None:
    """Write one JSON object a line for each reply, so that anyone can score it again."""
    lines = [
        json.dumps(
            {"id": r.task.id, "kind": r.task.kind, "question": r.task.question, "answer": r.text, **asdict(r.scored)},
            ensure_ascii=False,
        )
        for r in found
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def test_tasks(file: Path, recipe: Recipe | None, embed: Embed, limit: int) -> dict[str, list[Task]]:
    """Return at most `limit` tasks of each kind from the test rows of a file.

    Raises DatasetError when the file is unusable, or none of its rows was kept from training and can be measured.
    """
    rows = tables_left_out(test_rows(file, recipe))
    if not rows:
        raise DatasetError(
            f"No row of {file.name!r} was kept from training and can be measured. Give rows of more documents.",
            "rows_without_test",
        )
    return tasks(rows, embed, limit, SEED)
