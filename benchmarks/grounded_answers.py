"""Cited answers and abstentions of the model that ships, beside the base model as it comes and with examples.

    python benchmarks/grounded_answers.py --data FOLDER [--limit 100] [--file xquad_en.jsonl] [--no-times] [--json]

FOLDER holds xquad_en.jsonl, squad2_dev_half.jsonl, covidqa.jsonl and tatqa_dev.jsonl (--file: one of them). Each
question comes with three to five passages: its own and near misses of our search, or the near misses alone. Replies are
greedy, through the backend of the local engine. Times are of one conversation at a time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

from assistant.adaptation import base, publish, recipe
from assistant.adaptation.adapter import open_adapter
from assistant.adaptation.contamination import check
from assistant.adaptation.evaluate import example_turns, report, test_rows, test_tasks
from assistant.adaptation.export import materialise
from assistant.adaptation.packing import chat
from assistant.adaptation.served import open_backend, replies
from assistant.adaptation.splits import split
from assistant.adaptation.tasks import Task, conversation, run
from assistant.adaptation.vectors import RememberingEmbedder
from assistant.models import weights
from assistant.models.local.backend import Backend, Job
from assistant.models.types import Sampling
from assistant.orchestration import prompts
from assistant.orchestration.prompts import Message
from benchmarks.report import Figure, show

FILES = ("xquad_en.jsonl", "squad2_dev_half.jsonl", "covidqa.jsonl", "tatqa_dev.jsonl")
COLUMNS = (
    "token_f1", "exact_match", "citation_precision", "abstention_recall", "false_abstentions", "adversarial_abstention",
)  # fmt: skip
PROMPT_TOKENS = (600, 800)  # of the questions that are timed


def seconds(backend: Backend, number: int, messages: list[Message]) -> tuple[float, float]:
    """Return the time to the first token and to the end of one reply."""
    started, first = time.perf_counter(), 0.0
    backend.add(Job(number, backend.encode(chat(messages)), Sampling(max_tokens=64)))
    while backend.busy():
        if backend.step() and not first:
            first = time.perf_counter() - started
    return first, time.perf_counter() - started


def timed(backend: Backend, given: list[Task], prompt: prompts.GroundedPrompt) -> dict[str, float]:
    """Return p50 and p95 of both times over prompts of about 700 tokens."""
    asked = [conversation(task, prompt, ()) for task in given]
    fitting = [m for m in asked if PROMPT_TOKENS[0] <= len(backend.encode(chat(m))) <= PROMPT_TOKENS[1]][:20]
    found = [seconds(backend, 10_000 + number, messages) for number, messages in enumerate(fitting)]
    columns = {"first_token_s": [a for a, _ in found], "answer_s": [b for _, b in found]}
    quantiles = {name: statistics.quantiles(values, n=20) for name, values in columns.items()}
    return {f"{name}_{p}": q[at] for name, q in quantiles.items() for p, at in (("p50", 9), ("p95", 18))}


def main() -> None:
    """Measure and print a table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=100, help="questions of each kind")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "inhouse-benchmarks")
    parser.add_argument("--file", action="append", choices=FILES, help="measure this file alone; may be repeated")
    parser.add_argument("--no-times", action="store_true", help="scores alone: other work runs on the processor")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--adapter-only", action="store_true", help="leave out the rows of the base model")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    adapter = open_adapter(publish.DEFAULT)
    chosen = recipe.load(adapter.folder / "recipe.yaml")
    prompt = prompts.load(chosen.prompt)
    embed = RememberingEmbedder(options.cache / "test.vectors.npz")
    files = options.file or FILES
    given = {f: test_tasks(options.data / f, chosen, embed, options.limit) for f in files}
    embed.save()
    packaged, quantisation = base.packaged(options.cache), adapter.manifest.quantisation
    plain = weights.requantised(packaged, options.cache, "Q8_0")
    merged = materialise(packaged, adapter.folder, options.cache, quantisation)
    rows: dict[str, tuple[Path, list[Message]]] = {"adapter": (merged, [])}
    if not options.adapter_only:
        rows = {"base": (plain, []), "base, examples": (plain, example_turns(prompt)), **rows}
    found: dict[str, dict[str, dict[str, object]]] = {}
    times: dict[str, float] = {}
    for name, (file, shots) in rows.items():
        backend = open_backend(file)
        for source, kinds in given.items():
            tasks = [task for of in kinds.values() for task in of]
            scored = report(run(tasks, partial(replies, backend), prompt, shots))
            found.setdefault(source, {})[name] = {metric: asdict(value) for metric, value in scored.items()}
            print(f"{source}, {name}: {len(tasks)} questions", file=sys.stderr, flush=True)
        if name == "adapter" and "xquad_en.jsonl" in given and not options.no_times:
            times = timed(backend, given["xquad_en.jsonl"]["answerable"], prompt)
    trained = [row for pool in split(chosen, options.data)["train"].values() for row in pool]
    shared = {f: len(check(trained, test_rows(options.data / f, chosen)).shared_passages) for f in files}
    document = {"quantisation": quantisation, "scores": found, "times": times, "passages_shared_with_training": shared}
    if options.json:
        show("grounded_answers", figures(found, times), **document, limit=options.limit)
        return
    for source, by_row in found.items():
        print(f"\n{source}   (passages shared with training: {shared[source]})")
        print(f"{'':16}" + "".join(f"{column:>26}" for column in COLUMNS))
        for name, metrics in by_row.items():
            print(f"{name:16}" + "".join(f"{cell(metrics.get(column)):>26}" for column in COLUMNS))
    print("\n" + "   ".join(f"{name} {value:.2f}" for name, value in times.items()))


def figures(found: dict[str, dict[str, dict[str, object]]], times: dict[str, float]) -> list[Figure]:
    """Return the columns of the table as figures, the adapter's beside those of the base model with examples."""
    rows = []
    for source, by_row in found.items():
        for column in (column for column in COLUMNS if column in by_row["adapter"]):
            other = mean(by_row.get("base, examples", {}).get(column))
            ours, reference = mean(by_row["adapter"][column]) or 0.0, "" if other is None else "base, examples"
            rows.append(Figure(f"{source.removesuffix('.jsonl')}, {column}", ours, "", reference, other))
    return [*rows, *(Figure(name, value, "s") for name, value in times.items())]


def mean(value: object) -> float | None:
    """Return the mean of a metric, or None where there is none."""
    return float(value["mean"]) if isinstance(value, dict) else None


def cell(value: object) -> str:
    """Return a mean with its interval and count."""
    if not isinstance(value, dict):
        return "-"
    return f"{value['mean']:.2f} [{value['low']:.2f}, {value['high']:.2f}] {value['n']}"


if __name__ == "__main__":
    main()
