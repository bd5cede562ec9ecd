"""`python -m assistant.adaptation.train`: one run in one folder, from recipe and data set to an adapter folder."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer

from assistant.adaptation import base, card, dataset, machine, recipe, sft
from assistant.adaptation.adapter import MANIFEST, sha256
from assistant.adaptation.assemble import assemble
from assistant.adaptation.curves import draw
from assistant.adaptation.errors import AdaptationError, DatasetError, unwritten
from assistant.adaptation.packing import Packed, pack
from assistant.adaptation.recipe import Recipe
from assistant.adaptation.start import start_of
from assistant.adaptation.unpacked_base import unpack
from assistant.orchestration import prompts
from assistant.orchestration.prompts import GroundedPrompt

LIMITS = (
    "It abstains too often: see false_abstentions. What it answers, it mostly cites rightly.",
    "English only; other languages were not trained and not measured.",
    "Answers are spans of a few words; it does not calculate, compare or sum up.",
    "Made for three to five passages of at most 256 tokens each; more passages were not trained.",
    "An abstention is a habit, not a proof: what it says is still checked against the cited passage by the product.",
)


class LazyGroups:
    """Packed groups, made when they are read: packing thousands takes minutes, a run reads each once."""

    def __init__(
        self, groups: Sequence[dataset.Group], prompt: GroundedPrompt, tokenizer: Path, max_tokens: int
    ) -> None:
        self._groups, self._prompt, self._max_tokens = groups, prompt, max_tokens
        self._tokenizer = Tokenizer.from_file(str(tokenizer))

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, number: int, /) -> Packed:
        return pack(self._groups[number], self._prompt, self, self._max_tokens)

    def encode(self, text: str) -> list[int]:
        """Return token ids of `text` without anything added."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def run(recipe_file: Path, data: Path, folder: Path, gguf_file: Path) -> dict[str, object]:
    """Train in `folder`, going on from its checkpoint when there is one, and return what came out.

    The adapter is in `folder`/adapter only when the run ended well.
    """
    chosen = recipe.load(recipe_file)
    prompt = prompts.load(chosen.prompt)
    weights = unpack(base.checked(gguf_file, chosen), folder.parent)
    start = start_of(chosen, recipe_file)
    groups = dataset.load(data / "groups.jsonl")
    held_out = dataset.load(data / "development.jsonl")
    if not any(branch.kind == "answerable" for group in held_out for branch in group.branches):
        raise DatasetError("No development row is answerable, so no adapter can be chosen. Name development documents.")
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"recipe_version": chosen.version, "data_sha256": sha256(data / "groups.jsonl"), **machine.facts()}
    facts |= {"start_sha256": sha256(start / MANIFEST)} if start else {}
    shutil.copyfile(recipe_file, folder / "recipe.yaml")
    (folder / "run.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    training, tokenizer = chosen.training, weights / "tokenizer.json"
    packed = LazyGroups(groups, prompt, tokenizer, training.max_tokens)
    development = LazyGroups(held_out, prompt, tokenizer, training.max_tokens)
    checked = [development[number] for number in range(len(held_out))]
    fingerprint = " ".join([chosen.version, facts["data_sha256"], *([facts["start_sha256"]] if start else [])])
    best = sft.train(weights, packed, checked, training, folder, fingerprint, start)
    draw(list(sft.read_log(folder)), folder / "curves.png")
    _assemble(chosen, folder, facts, best, prompt)
    return {**facts, **asdict(best), "adapter": str(folder / "adapter")}


def _assemble(
    chosen: Recipe, folder: Path, facts: dict[str, str], best: sft.Validation, prompt: GroundedPrompt
) -> None:
    scores = {"development": {"exact_match": best.exact, "abstention_recall": best.abstained}}
    steps = sum(1 for _ in sft.read_log(folder))
    begun = f", going on from {chosen.start} ({facts['start_sha256'][:12]})" if chosen.start else ""
    trained = f"Trained for {steps} steps on data {facts['data_sha256'][:12]}{begun}."
    text = card.adapter_card(chosen, scores, trained, LIMITS)
    identity = {"data_sha256": facts["data_sha256"], "prompt_version": prompt.version, "quantisation": "Q8_0"}
    assemble(folder / "best", folder / "adapter", chosen, folder / "recipe.yaml", text, {**identity, "scores": scores})


def main(arguments: Sequence[str]) -> int:
    """Run, print one JSON document on stdout; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m assistant.adaptation.train", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--base", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    # Steps have a progress of their own.
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # it has no types
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # about its own next version
    try:
        print(
            json.dumps(
                run(options.recipe, options.dataset, options.run, options.base or base.packaged(options.run)), indent=2
            )
        )
    except AdaptationError as exc:
        print(exc, file=sys.stderr)
        return 1
    except OSError as exc:
        print(unwritten(exc), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
