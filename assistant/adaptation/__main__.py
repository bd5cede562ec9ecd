"""`python -m assistant.adaptation`: the parts of `assistant adapt` that load models but need no torch."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from assistant.adaptation import base, card, dataset, measured, recipe
from assistant.adaptation.adapter import MANIFEST, open_adapter, sha256
from assistant.adaptation.beside_live import live_replies
from assistant.adaptation.comparison import compare
from assistant.adaptation.contamination import check
from assistant.adaptation.errors import AdaptationError, DatasetError, unwritten
from assistant.adaptation.evaluate import measure, report, test_rows, test_tasks, write_rows
from assistant.adaptation.export import materialise
from assistant.adaptation.splits import split
from assistant.adaptation.tasks import Reply
from assistant.adaptation.vectors import RememberingEmbedder
from assistant.orchestration import prompts
from assistant.orchestration.prompts import GroundedPrompt


def main(arguments: Sequence[str]) -> int:
    """Run one job, print one JSON document on stdout; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        found = {"dataset": _dataset, "evaluate": _evaluate, "export": _export}[options.job](options)
    except AdaptationError as exc:
        print(exc, file=sys.stderr)
        return 1
    except OSError as exc:
        print(unwritten(exc), file=sys.stderr)
        return 1
    print(json.dumps(found, ensure_ascii=False, indent=2))
    return 0


def _dataset(options: argparse.Namespace) -> dict[str, object]:
    """Build both data sets of a recipe into a folder that appears complete or not at all."""
    chosen = recipe.load(options.recipe)
    prompt = prompts.load(chosen.prompt)
    parts = split(chosen, options.data)
    partial = options.out.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    embed = RememberingEmbedder(options.out.with_suffix(".vectors.npz"))
    groups = dataset.build(chosen, parts["train"], embed, prompt.abstention)
    if not groups:
        raise DatasetError("No group has enough questions. Lower mixture.min_branches, or give more rows.")
    digest = dataset.save(groups, partial / "groups.jsonl")
    held_out = dataset.build(chosen, parts["development"], embed, prompt.abstention)
    if not held_out:
        raise DatasetError(
            "No document is left to choose the weights by. Give rows of more documents, or name some in 'development'.",
            "rows_without_development",
        )
    dataset.save(held_out[: chosen.mixture.development_groups], partial / "development.jsonl")
    facts = card.dataset_facts(chosen, parts, groups, digest)
    (partial / "card.json").write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", "utf-8")
    embed.save()
    shutil.rmtree(options.out, ignore_errors=True)
    partial.rename(options.out)
    return facts


def _evaluate(options: argparse.Namespace) -> dict[str, object]:
    chosen = recipe.load(options.recipe) if options.recipe else None
    prompt = prompts.load(chosen.prompt if chosen else "grounded_answer")
    weights = options.base or base.packaged(options.cache)
    if options.adapter:
        quantisation = options.quantisation or open_adapter(options.adapter).manifest.quantisation
        weights = materialise(weights, options.adapter, options.cache, quantisation)
    embed = RememberingEmbedder(options.cache / "test.vectors.npz")
    options.cache.mkdir(parents=True, exist_ok=True)
    sets: dict[str, object] = {}
    answered: dict[str, list[Reply]] = {}
    for file in options.files:
        tasks = test_tasks(file, chosen, embed, options.limit)
        embed.save()
        answered[file.stem] = replies = measure(weights, tasks, prompt, options.few_shot)
        entry: dict[str, object] = {name: asdict(value) for name, value in report(replies).items()}
        if chosen and options.data:
            trained = [row for rows in split(chosen, options.data)["train"].values() for row in rows]
            entry["contamination"] = asdict(check(trained, test_rows(file, chosen)))
        sets[file.stem] = entry
        if options.rows:
            write_rows(replies, options.rows.with_stem(f"{options.rows.stem}-{file.stem}"))
    found: dict[str, object] = {"weights": weights.name, "few_shot": options.few_shot, "sets": sets}
    return found | _beside_live(options, answered, prompt)


def _beside_live(
    options: argparse.Namespace, answered: dict[str, list[Reply]], prompt: GroundedPrompt
) -> dict[str, object]:
    """Return how the live adapter answers the same questions; nothing where there is no other one to compare with."""
    new = [reply for replies in answered.values() for reply in replies]
    if not (options.adapter and options.live and new) or sha256(options.live / MANIFEST) == sha256(
        options.adapter / MANIFEST
    ):
        return {}
    live, gguf = open_adapter(options.live).manifest, options.base or base.packaged(options.cache)
    if live.base_sha256 != sha256(gguf):
        return {}
    weights = materialise(gguf, options.live, options.cache, live.quantisation)
    replies = live_replies(weights, live.name, [reply.task for reply in new], prompt)
    both = compare([one.scored for one in new], [one.scored for one in replies])
    sets = {}
    for name, mine in answered.items():
        theirs, replies = replies[: len(mine)], replies[len(mine) :]
        sets[name] = {metric: asdict(value) for metric, value in report(theirs).items()}
    held_back = bool(options.recipe) or not _named(options.adapter, options.files)
    if held_back and not options.few_shot:
        measured.keep(options.adapter, options.live, options.files, both)
    return {"beside_live": {"live_adapter": live.name, "held_back": held_back, **asdict(both), "sets": sets}}


def _named(adapter: Path, files: Sequence[Path]) -> bool:
    """Return whether one of `files` may be among what the adapter was trained on: its recipe tells, if it has one."""
    known = adapter / "recipe.yaml"
    sources = {source.file for source in recipe.load(known).sources} if known.exists() else {f.name for f in files}
    return any(file.name in sources for file in files)


def _export(options: argparse.Namespace) -> dict[str, object]:
    adapter = open_adapter(options.adapter)
    quantisation = options.quantisation or adapter.manifest.quantisation
    weights = materialise(options.base or base.packaged(options.out), options.adapter, options.out, quantisation)
    return {"weights": str(weights), "bytes": weights.stat().st_size, "quantisation": quantisation}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assistant.adaptation", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True)
    job = jobs.add_parser("dataset")
    job.add_argument("recipe", type=Path)
    job.add_argument("--data", type=Path, required=True)
    job.add_argument("--out", type=Path, required=True)
    job = jobs.add_parser("evaluate")
    job.add_argument("files", type=Path, nargs="+")
    job.add_argument("--adapter", type=Path)
    job.add_argument("--live", type=Path)
    job.add_argument("--recipe", type=Path)
    job.add_argument("--data", type=Path)
    job.add_argument("--base", type=Path)
    job.add_argument("--cache", type=Path, required=True)
    job.add_argument("--quantisation")
    job.add_argument("--limit", type=int, default=200)
    job.add_argument("--rows", type=Path)
    job.add_argument("--few-shot", action="store_true")
    job = jobs.add_parser("export")
    job.add_argument("adapter", type=Path)
    job.add_argument("--out", type=Path, required=True)
    job.add_argument("--base", type=Path)
    job.add_argument("--quantisation")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
