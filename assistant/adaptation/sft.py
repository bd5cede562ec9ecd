"""Supervised fine-tuning with LoRA on packed groups: one file, read from top to bottom.

A run folder holds log.jsonl (one line a step), checkpoint.pt (to go on from) and best/ (the adapter with the best
validation).
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, cast

import peft
import torch
import transformers

from assistant.adaptation import checkpoint
from assistant.adaptation.errors import LossNotFinite
from assistant.adaptation.packed_attention import NAME, layout, register
from assistant.adaptation.packing import Packed
from assistant.adaptation.recipe import Training

LONG_ANSWER_TOKENS = 16  # a longer answer weighs as much as one of this length, so that essays do not drown short facts
ABSTENTIONS = ("adversarial", "removed")  # kinds of branches whose reply is the abstention


class Groups(Protocol):
    """Packed groups that may be made while they are read."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, number: int, /) -> Packed:
        """Return one of them."""
        ...


@dataclass(frozen=True, slots=True)
class Validation:
    """Shares (0..1) of held-out branches whose reply greedy decoding would give word for word, and the mean loss."""

    exact: float  # answerable: text and citation
    abstained: float  # unanswerable ones that got the abstention
    loss: float

    @property
    def score(self) -> float:
        """Return the mean of both shares: answering everything or nothing is worth half."""
        return (self.exact + self.abstained) / 2

    def better_than(self, other: Validation) -> bool:
        """Return whether the score is higher, or as high at a lower loss."""
        return (self.score, -self.loss) > (other.score, -other.loss)


def train(
    base: Path,
    groups: Groups,
    held_out: Sequence[Packed],
    recipe: Training,
    run: Path,
    fingerprint: str,
    start: Path | None = None,
) -> Validation:
    """Train until `max_steps` or `max_minutes`, or until validation stops improving; return the best validation.

    `base` is a folder of safetensors, `start` one of an adapter to go on from, which is the best until something is
    better. The best adapter is in `run`/best. A run that was killed goes on from its last checkpoint. Raises
    LossNotFinite or CheckpointError; `run`/best then still holds the best adapter so far.
    """
    torch.manual_seed(0)
    dtype = fastest_dtype() if recipe.dtype == "auto" else getattr(torch, recipe.dtype)
    model = with_lora(base, recipe, start)
    device = next(model.parameters()).device.type
    weights = {name: p for name, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(
        weights.values(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
    )
    done, earlier, best, stale = 0, 0.0, Validation(0.0, 0.0, math.inf), 0  # `earlier`: seconds before a restart
    if state := checkpoint.load(run / "checkpoint.pt", fingerprint):
        model.load_state_dict(state["weights"], strict=False)  # only the adapter is stored
        optimizer.load_state_dict(state["optimizer"])
        done, earlier, stale, best = state["done"], state["seconds"], state["stale"], Validation(*state["best"])
    elif start:
        best = validate(model, held_out)
        checkpoint.keep(model, run / "best")
    started = saved = time.monotonic()
    tokens = 0
    for step in range(done, recipe.max_steps):
        batch = _batch(groups, step, recipe.groups_per_step)
        rate = learning_rate(step, earlier + time.monotonic() - started, recipe)
        for parameters in optimizer.param_groups:
            parameters["lr"] = rate
        total = sum(float(_weights(packed, recipe).sum()) for packed in batch)
        loss = 0.0
        for packed in batch:
            with torch.autocast(device, dtype, enabled=dtype != torch.float32):
                part = (token_losses(model, packed)[0] * _weights(packed, recipe).to(device)).sum() / total
            part.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
            loss += part.item()
        if not math.isfinite(loss):
            raise LossNotFinite(
                f"The loss became {loss} at step {step + 1}. Lower learning_rate ({recipe.learning_rate}), start again."
            )
        norm = torch.nn.utils.clip_grad_norm_(weights.values(), recipe.clip_norm).item()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        tokens += sum(len(packed.ids) for packed in batch)
        elapsed = time.monotonic() - started
        share = progress(step + 1, earlier + elapsed, recipe)
        entry = {"step": step + 1, "loss": loss, "norm": norm, "rate": rate, "tokens_per_s": tokens / elapsed}
        entry["minutes_left"] = (earlier + elapsed) * (1 - share) / share / 60
        if (step + 1) % recipe.validate_every_steps == 0 or share >= 1:
            result = validate(model, held_out)
            entry |= asdict(result)
            stale = 0 if result.better_than(best) else stale + 1
            if not stale:
                best = result
                checkpoint.keep(model, run / "best")
        _log(run, entry)
        if share >= 1 or stale >= recipe.patience or time.monotonic() - saved > recipe.checkpoint_minutes * 60:
            state = {"weights": weights, "optimizer": optimizer.state_dict(), "fingerprint": fingerprint}
            state |= {"done": step + 1, "stale": stale, "best": list(asdict(best).values())}
            checkpoint.save(state | {"seconds": earlier + time.monotonic() - started}, run / "checkpoint.pt")
            saved = time.monotonic()
        if share >= 1 or stale >= recipe.patience:
            break
    return best


def with_lora(base: Path, recipe: Training, start: Path | None = None) -> peft.PeftModel:
    """Return the base model with an untrained adapter, or the one in `start`, on the GPU when there is one."""
    register()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation=NAME)
    if start is not None:
        adapted = peft.PeftModel.from_pretrained(model, str(start), is_trainable=True).to(device)
        # An adapter folder names its base model; peft would look that name up on a hub whenever it saves.
        adapted.peft_config["default"].base_model_name_or_path = str(base)
        return adapted
    config = peft.LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules=list(recipe.modules),
        layers_to_transform=list(range(recipe.first_layer, model.config.num_hidden_layers)),
        task_type="CAUSAL_LM",
    )
    return peft.get_peft_model(model, config).to(device)


def token_losses(model: torch.nn.Module, packed: Packed) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the cross-entropy of each prediction of a packed sequence, and whether its first choice is right."""
    device = next(model.parameters()).device
    causal = cast(transformers.LlamaForCausalLM, model.get_base_model() if isinstance(model, peft.PeftModel) else model)
    hidden = causal.model(
        input_ids=torch.tensor([packed.ids], device=device),
        position_ids=torch.tensor([packed.positions], device=device),
        use_cache=False,
        layout=layout(packed),
    ).last_hidden_state[0]  # (L, width)
    logits = causal.lm_head(hidden[torch.tensor(packed.predict, device=device)]).float()  # (predictions, vocabulary)
    targets = torch.tensor(packed.targets, device=device)
    return torch.nn.functional.cross_entropy(logits, targets, reduction="none"), logits.argmax(-1) == targets


def validate(model: torch.nn.Module, held_out: Sequence[Packed]) -> Validation:
    """Return how often greedy decoding would reproduce the reply: true exactly when every forced choice is right."""
    model.eval()
    exact, abstained, losses = list[bool](), list[bool](), list[float]()
    with torch.no_grad():
        for packed in held_out:
            loss, right = token_losses(model, packed)
            losses += loss.tolist()
            for number, kind in enumerate(packed.kinds):
                mine = [n for n, owner in enumerate(packed.owner) if owner == number]
                (abstained if kind in ABSTENTIONS else exact).append(bool(right[mine].all()))
    model.train()
    return Validation(_mean(exact), _mean(abstained), _mean(losses))


def progress(step: int, seconds: float, recipe: Training) -> float:
    """Return how much of the run is over, 0 to 1, by steps or, when there is a time limit, by whichever is ahead."""
    by_clock = seconds / 60 / recipe.max_minutes if recipe.max_minutes else 0.0
    return min(1.0, max(step / recipe.max_steps, by_clock))


def learning_rate(step: int, seconds: float, recipe: Training) -> float:
    """Return the rate of a step: linear warm-up, then a cosine over the run down to `final_rate` of the full rate."""
    warm = min(1.0, (step + 1) / max(1, recipe.warmup_steps))
    cosine = (1 + math.cos(math.pi * progress(step, seconds, recipe))) / 2
    return recipe.learning_rate * warm * (recipe.final_rate + (1 - recipe.final_rate) * cosine)


def fastest_dtype() -> torch.dtype:
    """Return bfloat16 where a matrix product in it is faster here than in float32, else float32; takes 0.1 s."""
    device = "cuda" if torch.cuda.is_available() else "cpu"

    def seconds(dtype: torch.dtype) -> float:
        left, right = (torch.ones(512, 576, dtype=dtype, device=device) for _ in range(2))
        times = []
        for _ in range(5):
            start = time.perf_counter()
            float((left @ right.T)[0, 0])  # reading one value waits for a GPU
            times.append(time.perf_counter() - start)
        return min(times)

    return torch.bfloat16 if seconds(torch.bfloat16) < seconds(torch.float32) else torch.float32


def _batch(groups: Groups, step: int, size: int) -> list[Packed]:
    return [groups[number % len(groups)] for number in range(step * size, (step + 1) * size)]


def _weights(packed: Packed, recipe: Training) -> torch.Tensor:
    lengths = [packed.owner.count(number) for number in range(len(packed.branches))]
    branches = [
        min(1.0, LONG_ANSWER_TOKENS / length) * (recipe.abstention_weight if kind in ABSTENTIONS else 1.0)
        for length, kind in zip(lengths, packed.kinds, strict=True)
    ]
    return torch.tensor([branches[owner] for owner in packed.owner])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _log(run: Path, entry: dict[str, float]) -> None:
    with (run / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps({name: round(value, 7) for name, value in entry.items()}) + "\n")
    if sys.stderr.isatty():
        told = f"step {entry['step']:.0f}  loss {entry['loss']:.3f}  {entry['tokens_per_s']:.0f} tokens/s  "
        print(f"\r{told}{entry['minutes_left']:.0f} min left ", end="", file=sys.stderr, flush=True)


def read_log(run: Path) -> Iterator[dict[str, float]]:
    """Yield the entries of a run's log, first step first."""
    for line in (run / "log.jsonl").read_text("utf-8").splitlines():
        yield json.loads(line)
