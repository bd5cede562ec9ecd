"""Training speed of our packed loop beside a bare peft loop over the same questions, in one run.

    python benchmarks/training_speed.py --dataset FOLDER [--groups 6]

FOLDER is what `assistant adapt dataset` made. The bare loop sees each question as a sequence of its own, padded to the
longest of a batch of eight that were sorted by length, with transformers' own attention and the loss on reply tokens.
Both run forward, backward and an optimizer step in single precision with the same LoRA. "Tokens" are those of the bare
loop, so that both speeds count the same work.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

import peft
import torch
import transformers

from assistant.adaptation import base, dataset, recipe, sft
from assistant.adaptation.packing import Packed
from assistant.adaptation.train import LazyGroups
from assistant.adaptation.unpacked_base import unpack
from assistant.orchestration import prompts
from benchmarks import report

BATCH = 8


def alone(packed: Packed) -> list[tuple[list[int], list[int]]]:
    """Return each branch as (ids, labels) of a sequence of its own."""
    found = []
    for number, (start, end) in enumerate(packed.branches):
        ids = [*packed.ids[: packed.shared], *packed.ids[start:end]]
        labels = [-100] * len(ids)
        for place, target, owner in zip(packed.predict, packed.targets, packed.owner, strict=True):
            if owner == number:
                labels[packed.shared + place - start] = target  # already shifted: the loss compares place with target
        found.append((ids, labels))
    return found


def bare_step(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, rows: Sequence[tuple[list[int], list[int]]]
) -> None:
    """One padded batch: forward, loss on reply tokens, backward, step."""
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([row + [0] * (longest - len(row)) for row, _ in rows])
    labels = torch.tensor([row + [-100] * (longest - len(row)) for _, row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row, _ in rows])
    logits = model(input_ids=ids, attention_mask=mask).logits
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100).backward()
    optimizer.step()
    optimizer.zero_grad()


def packed_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, packed: Packed) -> None:
    """One group: forward, loss, backward, step."""
    loss: torch.Tensor = sft.token_losses(model, packed)[0].mean()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    optimizer.zero_grad()


def main() -> None:
    """Measure both loops and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--groups", type=int, default=6)
    parser.add_argument("--base", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    training = recipe.load(recipe.FOLDER / "grounded_answer.yaml").training
    folder = unpack(options.base or base.packaged(options.dataset), options.dataset.parent)
    groups = dataset.load(options.dataset / "groups.jsonl")[: options.groups]
    lazy = LazyGroups(groups, prompts.load("grounded_answer"), folder / "tokenizer.json", training.max_tokens)
    packed = [lazy[number] for number in range(len(groups))]
    rows = sorted((row for one in packed for row in alone(one)), key=lambda row: len(row[0]))
    batches = [rows[n : n + BATCH] for n in range(0, len(rows), BATCH)]
    tokens = sum(len(ids) for ids, _ in rows)
    ours = sft.with_lora(folder, training)
    bare = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    bare = peft.get_peft_model(bare, ours.peft_config["default"])
    steps = [torch.optim.AdamW([p for p in m.parameters() if p.requires_grad], lr=1e-4) for m in (ours, bare)]
    packed_step(ours, steps[0], packed[0])  # both warm: allocator, kernels
    bare_step(bare, steps[1], batches[0][:1])
    started = time.perf_counter()
    for one in packed:
        packed_step(ours, steps[0], one)
    between = time.perf_counter()
    for batch in batches:
        bare_step(bare, steps[1], batch)
    fast, slow = between - started, time.perf_counter() - between
    figures = [
        report.Figure("training", tokens / fast, "tokens/s", "bare peft loop", tokens / slow, "at least the bare loop"),
        report.Figure("training", len(rows) / fast, "questions/s", "bare peft loop", len(rows) / slow),
    ]
    report.show("training_speed", figures)


if __name__ == "__main__":
    main()
