"""Whether the reader's words are shown: how well its score alone decides that, and how well the product's rule does.

    python -m benchmarks.reader_decision --data FOLDER [--limit 120] [--file xquad_en.jsonl] [--fit] [--json]

The questions and passages are those of grounded_answers.py; no language model is asked. `--fit` writes
assistant/orchestration/likelihood.yaml anew first, from development rows and rows that trained the reader; none of
them is in a test file. AUC: how often an answerable question scores higher than one whose passage was taken out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import yaml

from assistant.adaptation import publish, recipe
from assistant.adaptation.adapter import open_adapter
from assistant.adaptation.evaluate import SEED, tables_left_out, test_tasks
from assistant.adaptation.metrics import token_f1
from assistant.adaptation.recipe import Recipe
from assistant.adaptation.rows import read as read_rows
from assistant.adaptation.splits import split
from assistant.adaptation.tasks import Task, tasks
from assistant.adaptation.vectors import RememberingEmbedder
from assistant.guardrails.support import Question
from assistant.orchestration.likelihood import FILE, Likelihood, features, load, words
from benchmarks.grounded_answers import FILES
from benchmarks.logistic import logistic
from benchmarks.report import Figure, show
from knowledge.reader import OnnxReader
from knowledge.types import Passage

FITTED_ON, FITTED_LIMIT = "squad2_dev_half.jsonl", 150  # rows that trained the reader, of each kind
ADVERSARIAL_WEIGHT = 0.2  # they share their words with the passage by design; people rarely ask so
ABSTENTION_RECALL = 0.90  # of the questions without their passage that the limit `sure` was fitted on
KINDS = ("answerable", "removed", "adversarial")


@dataclass(frozen=True, slots=True)
class Look:
    """What the reader sees in one passage of a task."""

    features: Mapping[str, float]
    f1: float  # of its words
    gold: bool  # the passage holds the answer


Looks = tuple[Task, Sequence[Look]]
Score = Callable[[Mapping[str, float]], float]


def looks(reader: OnnxReader, given: Sequence[Task]) -> list[Looks]:
    """Return what the reader sees in every passage of every task."""
    found = list[Looks]()
    for task in given:
        passages = [
            Passage(str(n), str(n), "", p.title, "", p.text, "", None, "", 0.0) for n, p in enumerate(task.passages)
        ]
        question, seen = Question(task.question), []
        for n, (passage, reading) in enumerate(
            zip(passages, reader.read(task.question, passages), strict=True), start=1
        ):
            f1 = token_f1(words(passage, reading), task.answers)
            seen.append(Look(features(question, passage, reading), f1, n in task.gold))
        found.append((task, seen))
    return found


def fitting_tasks(chosen: Recipe, data: Path, embed: RememberingEmbedder) -> list[Task]:
    """Return development tasks, and tasks of rows that trained the reader."""
    parts = split(chosen, data)
    ids = {row.id for row in read_rows(data / FITTED_ON)}
    development = [row for rows in parts["development"].values() for row in rows]
    trained = [row for rows in parts["train"].values() for row in rows if row.id in ids]
    kinds = [
        tasks(tables_left_out(development), embed, len(development), SEED),
        tasks(tables_left_out(trained), embed, FITTED_LIMIT, SEED),
    ]
    return [task for of in kinds for some in of.values() for task in some]


def fit(seen: Sequence[Looks]) -> Likelihood:
    """Return the rule fitted on the likeliest passage of each task, and its limit."""
    best = [(task, max(some, key=lambda look: look.features["score"])) for task, some in seen]
    names = list(best[0][1].features)
    x = np.array([[look.features[name] for name in names] for _, look in best])
    y = np.array([task.kind == "answerable" for task, _ in best], float)
    weight = np.array([ADVERSARIAL_WEIGHT if task.kind == "adversarial" else 1.0 for task, _ in best])
    bias, *coefficients = (float(value) for value in logistic(x, y, weight))
    rule = Likelihood(sure=0.0, bias=bias, weights=dict(zip(names, coefficients, strict=True)))
    absent = [max(rule.log_odds(look.features) for look in some) for task, some in seen if task.kind == "removed"]
    sure = float(np.quantile(absent, ABSTENTION_RECALL))
    return rule.model_copy(update={"sure": sure})


def store(rule: Likelihood) -> None:
    """Write the rule with the digits that matter."""
    head = "# Fitted by benchmarks/reader_decision.py --fit; limits are log-odds.\n"
    plain = json.loads(rule.model_dump_json(), parse_float=lambda number: round(float(number), 3))
    FILE.write_text(head + yaml.safe_dump(plain, sort_keys=False), "utf-8")
    load.cache_clear()


def measured(seen: Sequence[Looks], score: Score, limit: float) -> dict[str, float]:
    """Return the scores of showing the words of the likeliest passage where `score` is above `limit`."""
    scores: dict[str, list[float]] = {kind: [] for kind in KINDS}
    shown, f1 = list[Look](), list[float]()
    for task, some in seen:
        best = max(some, key=lambda look: score(look.features))
        value = score(best.features)
        scores[task.kind].append(value)
        if task.kind == "answerable":
            f1.append(best.f1 if value > limit else 0.0)
            shown += [best] if value > limit else []
    present, absent = np.array(scores["answerable"]), np.array(scores["removed"])
    above = present[:, None] > absent[None, :]
    values = {
        "auc": float(above.mean()), "token_f1": fmean(f1), "citation_precision": fmean(look.gold for look in shown),
        "abstention_recall": float((absent <= limit).mean()), "false_abstentions": float((present <= limit).mean()),
        "false_at_0.90": float((present <= np.quantile(absent, 0.9)).mean()),
    }  # fmt: skip
    if scores["adversarial"]:
        values["adversarial_abstention"] = fmean(value <= limit for value in scores["adversarial"])
    return values


def main() -> None:
    """Measure and print a table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=120, help="questions of each kind")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "inhouse-benchmarks")
    parser.add_argument("--file", action="append", choices=FILES, help="measure this file alone; may be repeated")
    parser.add_argument("--fit", action="store_true", help="fit the rule and store it before measuring")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    chosen = recipe.load(open_adapter(publish.DEFAULT).folder / "recipe.yaml")
    embed, reader = RememberingEmbedder(options.cache / "test.vectors.npz"), OnnxReader()
    if options.fit:
        store(fit(looks(reader, fitting_tasks(chosen, options.data, embed))))
    rule = load()
    results: dict[str, dict[str, dict[str, float]]] = {}
    for file in options.file or FILES:
        given = [t for some in test_tasks(options.data / file, chosen, embed, options.limit).values() for t in some]
        seen = looks(reader, given)
        results[file] = {
            "score above 0": measured(seen, lambda f: f["score"], 0.0), "rule": measured(seen, rule.log_odds, rule.sure)
        }  # fmt: skip
        for way, values in results[file].items():
            cells = "  ".join(f"{name} {value:.2f}" for name, value in values.items())
            print(f"{file:22} {way:14} {cells}", file=sys.stderr, flush=True)
    embed.save()
    if options.json:
        show("reader_decision", figures(results), results=results, rule=rule.model_dump(), limit=options.limit)


def figures(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[Figure]:
    """Return what the rule comes to, beside the score alone."""
    return [
        Figure(f"{file.removesuffix('.jsonl')}, {name}", value, "", "score above 0", ways["score above 0"][name])
        for file, ways in results.items()
        for name, value in ways["rule"].items()
    ]


if __name__ == "__main__":
    main()
