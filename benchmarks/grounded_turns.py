"""Whole turns over given passages, with the grounding check and the model that ships: with and without the reader.

    python benchmarks/grounded_turns.py --data FOLDER [--limit 60] [--file xquad_en.jsonl] [--json] [--rows FILE]

The questions and passages are those of grounded_answers.py. "draft" is one draft of the model over every passage,
"second look" asks again over the nearest one, "reader" is the product, scored by the words that it emphasises
(`whole_sentences` off). Times are of one turn at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from assistant.adaptation import publish, recipe
from assistant.adaptation.adapter import open_adapter
from assistant.adaptation.evaluate import report, test_tasks
from assistant.adaptation.metrics import Interval, score
from assistant.adaptation.rows import Passage as Given
from assistant.adaptation.tasks import Reply, Task
from assistant.adaptation.vectors import RememberingEmbedder
from assistant.evaluation.product import Product, product
from assistant.guardrails.grounding import RuleJudge
from assistant.guardrails.sentences import MARK
from assistant.orchestration.compose import load_prompts
from assistant.orchestration.fake import ListSearch
from assistant.orchestration.gate import KernelGate
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.settings import Settings
from assistant.turn import Turns
from assistant.types import Answer, Caller, Turn, TurnOptions
from benchmarks.grounded_answers import COLUMNS, FILES, cell
from benchmarks.report import Figure, show
from knowledge.reader import OnnxReader, Reader
from knowledge.types import Passage, Scope

WAYS = ("draft", "second look", "reader")
CALLER = Caller("bench", "Bench", Scope(frozenset({"everyone"})))
AT_ONCE = 6  # turns side by side where time does not count
TIMED = 20  # questions of each way
ABSTENTION = load_prompts().grounded.abstention


def ways(made: Product) -> dict[str, Turns]:
    """Return the turns that are compared."""

    def turns(second: bool, reader: Reader | None) -> Turns:
        settings = TurnSettings(second_draft=second, warm_up=False, whole_sentences=False)
        judge = RuleJudge(made.embedder.embed)
        return Turns(ListSearch([]), made.models, judge, KernelGate(), MemoryRecords(), settings, reader=reader)

    return dict(zip(WAYS, (turns(False, None), turns(True, None), turns(True, OnnxReader())), strict=True))


async def asked(turns: Turns, task: Task) -> tuple[Answer, float, float]:
    """Return the answer to a task with the seconds to its first text and to its end."""
    options = TurnOptions(given=tuple(found(n, given) for n, given in enumerate(task.passages, start=1)))
    started, first = time.perf_counter(), 0.0
    async for event in turns.run(Turn(task.id, task.question, (), CALLER, options)):
        if event.kind == "text" and not first:
            first = time.perf_counter() - started
        if event.answer is not None:
            return event.answer, first, time.perf_counter() - started
    raise AssertionError("a turn ended without an answer")


def found(n: int, given: Given) -> Passage:
    """Return passage `n` of a task as a search brings it."""
    return Passage(str(n), str(n), "given", given.title, "", given.text, "", None, "", 1 / n)


def scored(task: Task, answer: Answer) -> Reply:
    """Return what an answer is worth, its marks numbered as the task's passages are."""
    numbers = {citation.n: citation.chunk for citation in answer.citations}
    text = "" if answer.abstained else MARK.sub(
        lambda mark: "".join(f"[{numbers[int(n)]}]" for n in re.findall(r"\d+", mark[0])), answer.text
    )  # fmt: skip
    return Reply(task, text, score(text, task.answers, task.gold, bool(task.gold), ABSTENTION))


async def replies(turns: Turns, tasks: Sequence[Task]) -> list[Reply]:
    """Return the scored answers to all tasks, in order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(task: Task) -> Reply:
        async with places:
            answer, _, _ = await asked(turns, task)
        return scored(task, answer)

    return list(await asyncio.gather(*(one(task) for task in tasks)))


async def timed(turns: Turns, tasks: Sequence[Task]) -> dict[str, float]:
    """Return p50 of both times, one turn after the other."""
    times = [(await asked(turns, task))[1:] for task in tasks[:TIMED]]
    return {"first_text_s": statistics.median(a for a, _ in times), "answer_s": statistics.median(b for _, b in times)}


async def measured(
    given: Mapping[str, Sequence[Task]], wanted: Sequence[str], rows: Path | None, times: bool
) -> tuple[dict[str, dict[str, dict[str, Interval]]], dict[str, dict[str, float]]]:
    """Return the scores of each file and way, and the times of each way; `rows` takes every answer."""
    scores: dict[str, dict[str, dict[str, Interval]]] = {file: {} for file in given}
    taken: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with product(Settings(data_dir=Path(folder)), lambda said: print(said, file=sys.stderr)) as made:
            for way, turns in [(way, turns) for way, turns in ways(made).items() if way in wanted]:
                for file, tasks in given.items():
                    answered = await replies(turns, tasks)
                    scores[file][way] = report(answered)
                    print(f"{file}, {way}: {len(tasks)} questions", file=sys.stderr, flush=True)
                    if rows:
                        with rows.open("a") as out:
                            for r in answered:
                                entry = {"file": file, "way": way, "id": r.task.id, "kind": r.task.kind, "text": r.text}
                                out.write(json.dumps({**entry, **asdict(r.scored)}, ensure_ascii=False) + "\n")
                if times:
                    taken[way] = await timed(turns, next(iter(given.values())))
    return scores, taken


def main() -> None:
    """Measure and print a table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=60, help="questions of each kind")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "inhouse-benchmarks")
    parser.add_argument("--file", action="append", choices=FILES, help="measure this file alone; may be repeated")
    parser.add_argument("--way", action="append", choices=WAYS, help="measure this way alone; may be repeated")
    parser.add_argument("--no-times", action="store_true", help="scores alone: other work runs on the processor")
    parser.add_argument("--rows", type=Path, help="a file that takes each answer as a line of JSON")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    chosen = recipe.load(open_adapter(publish.DEFAULT).folder / "recipe.yaml")
    embed = RememberingEmbedder(options.cache / "test.vectors.npz")
    given = {
        file: [task for kind in test_tasks(options.data / file, chosen, embed, options.limit).values() for task in kind]
        for file in options.file or FILES
    }
    embed.save()
    scores, times = asyncio.run(measured(given, options.way or WAYS, options.rows, not options.no_times))
    if options.json:
        show("grounded_turns", figures(scores, times), scores=_plain(scores), times=times, limit=options.limit)
        return
    for file, by_way in scores.items():
        print(f"\n{file}\n{'':16}" + "".join(f"{column:>26}" for column in COLUMNS))
        for way, metrics in by_way.items():
            cells = "".join(f"{cell(asdict(metrics[column]) if column in metrics else None):>26}" for column in COLUMNS)
            print(f"{way:16}{cells}")
    for way, values in times.items():
        print(f"{way}: " + ", ".join(f"{name} {value:.2f}" for name, value in values.items()))


def figures(scores: dict[str, dict[str, dict[str, Interval]]], times: dict[str, dict[str, float]]) -> list[Figure]:
    """Return the reader's column of each table beside that of one draft."""
    rows = []
    for file, by_way in scores.items():
        for column in (column for column in COLUMNS if column in by_way.get("reader", {})):
            name, draft = f"{file.removesuffix('.jsonl')}, {column}", by_way.get("draft")
            reference = (draft[column].mean, "draft") if draft else (None, "")
            rows.append(Figure(name, by_way["reader"][column].mean, "", reference[1], reference[0]))
    if {"reader", "draft"} <= times.keys():
        rows += [Figure(name, times["reader"][name], "s", "draft", times["draft"][name]) for name in times["reader"]]
    return rows


def _plain(scores: dict[str, dict[str, dict[str, Interval]]]) -> dict[str, dict[str, dict[str, object]]]:
    return {
        file: {way: {name: asdict(value) for name, value in metrics.items()} for way, metrics in by_way.items()}
        for file, by_way in scores.items()
    }


if __name__ == "__main__":
    main()
