"""Training speed of our packed loop beside a bare peft loop over the same questions, in one run.

    python benchmarks/training_speed.py --dataset FOLDER [--groups 6]

FOLDER is what `assistant adapt dataset` made. The bare loop sees each question as a sequence of its own, in batches of
two of like length, with transformers' own attention and the loss on reply tokens. Both run forward, backward and an
optimizer step with the same LoRA, in the precision that `assistant adapt train` takes on this machine. "Tokens" are
those of the bare loop, so that both speeds count the same work. The loops take turns, group by group, so that both see
the same load; speeds by processor time count what all cores did.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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

BATCH = 2  # about as many tokens as a group has, so that neither loop needs more memory than the other


@dataclass(slots=True)
class Spent:
    """Seconds of a loop's steps so far."""

    wall: float = 0.0
    processor: float = 0.0  # of all cores together

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Add what the block takes."""
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.processor += time.process_time() - processor


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
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    rows: Sequence[tuple[list[int], list[int]]],
    dtype: torch.dtype,
) -> None:
    """One padded batch: forward, loss on reply tokens, backward, step."""
    longest, device = max(len(ids) for ids, _ in rows), next(model.parameters()).device
    ids = torch.tensor([row + [0] * (longest - len(row)) for row, _ in rows], device=device)
    labels = torch.tensor([row + [-100] * (longest - len(row)) for _, row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row, _ in rows], device=device)
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        logits = model(input_ids=ids, attention_mask=mask).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), ignore_index=-100)
    loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    optimizer.step()
    optimizer.zero_grad()


def packed_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, packed: Packed, dtype: torch.dtype) -> None:
    """One group: forward, loss, backward, step."""
    with torch.autocast(next(model.parameters()).device.type, dtype, enabled=dtype != torch.float32):
        loss = sft.token_losses(model, packed)[0].mean()
    loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    optimizer.step()
    optimizer.zero_grad()


def batched(packed: Packed) -> list[list[tuple[list[int], list[int]]]]:
    """Return the branches of a group as the batches of the bare loop, shortest first: little padding."""
    rows = sorted(alone(packed), key=lambda row: len(row[0]))
    return [rows[n : n + BATCH] for n in range(0, len(rows), BATCH)]


def compare(folder: Path, groups: Sequence[Packed], training: recipe.Training) -> list[report.Figure]:
    """Return the speeds of both loops over `groups`, with the base model in `folder`."""
    dtype = sft.fastest_dtype()
    ours = sft.with_lora(folder, training)
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    bare = peft.get_peft_model(plain, ours.peft_config["default"]).to(ours.device)
    first, second = (
        torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4) for model in (ours, bare)
    )
    packed_step(ours, first, groups[0], dtype)  # both warm: allocator, kernels
    bare_step(bare, second, batched(groups[0])[0], dtype)
    fast, slow = Spent(), Spent()
    tokens = questions = 0
    for group in groups:
        with fast.counting():
            packed_step(ours, first, group, dtype)
        batches = batched(group)
        with slow.counting():
            for batch in batches:
                bare_step(bare, second, batch, dtype)
        questions += len(group.branches)
        tokens += sum(len(ids) for batch in batches for ids, _ in batch)
    goal, name = "at least the bare loop", "bare peft loop"
    speeds = [("", fast.wall, slow.wall), (" by processor time", fast.processor, slow.processor)]
    return [
        report.Figure(f"training{how}", work / mine, unit, name, work / other, goal)
        for how, mine, other in speeds
        for unit, work in (("tokens/s", tokens), ("questions/s", questions))
    ]


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
    report.show("training_speed", compare(folder, packed, training), precision=str(sft.fastest_dtype()))


if __name__ == "__main__":
    main()
