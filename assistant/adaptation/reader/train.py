"""Train the reader: `python -m assistant.adaptation.reader.train RECIPE --data FOLDER --out RUN [--begin RUN]`.

The model is MiniLM with one linear layer on top, which scores each token as the answer's first and last one; [CLS]
stands for "no answer" (Devlin et al. 2019, "BERT", section 4.3). Each step shows as many near misses as passages with
an answer, and one term of the loss ranks a passage above the near miss of its question. The words are not trained, so
that the file that ships can share them with the embedding model. `python -m knowledge.models.export_reader RUN` makes
that file. docs/experiments/2026-11-reader.md has what it came to.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertModel

from assistant.adaptation import machine, recipe
from assistant.adaptation.errors import AdaptationError, unwritten
from assistant.adaptation.reader.examples import Example, examples
from assistant.adaptation.rows import Passage
from assistant.adaptation.sft import fastest_dtype
from assistant.adaptation.splits import split
from assistant.adaptation.vectors import RememberingEmbedder
from knowledge.models.export import packaged_folder
from knowledge.reader import MAX_TOKENS

BATCH = 12  # questions of a step; each brings its passage and one near miss
_SORTED_OVER = 16  # batches whose examples are sorted by length together: less padding
_WARMUP_STEPS = 60  # at most a tenth of all
_TITLED = 0.7  # share of questions whose passages are shown with their titles
_NO_ANSWER_WEIGHT, _NEAR_MISS_WEIGHT, _RANKING_WEIGHT = 0.7, 0.4, 0.3
_FORBIDDEN = -1e4  # score of a token that cannot be part of an answer


class SpanReader(nn.Module):
    """MiniLM and the two scores per token."""

    def __init__(self, folder: Path) -> None:
        """Read the encoder's weights from `folder`."""
        super().__init__()
        self.bert = BertModel.from_pretrained(folder, add_pooling_layer=False, attention_probs_dropout_prob=0.0)
        self.bert.embeddings.word_embeddings.weight.requires_grad_(False)
        self.out = nn.Linear(self.bert.config.hidden_size, 2)
        nn.init.normal_(self.out.weight, std=0.02)

    def forward(self, batch: Batch) -> Tensor:
        """Return the scores, (pairs, tokens, 2); tokens outside the passage can be no answer, but [CLS] can."""
        hidden = self.bert(input_ids=batch.ids, attention_mask=batch.mask, token_type_ids=batch.kinds)
        allowed = (batch.kinds == 1) & (batch.mask == 1)
        allowed[:, 0] = True
        scores: Tensor = self.out(hidden.last_hidden_state).masked_fill(~allowed.unsqueeze(-1), _FORBIDDEN)
        return scores


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a passage as tokens, with the first and last token of the answer; 0 and 0: none."""

    encoding: Encoding
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs of one step, padded: (pairs, tokens)."""

    ids: Tensor
    mask: Tensor
    kinds: Tensor


def pair(tokenizer: Tokenizer, question: str, passage: Passage, answer: tuple[int, int] | None, titled: bool) -> Pair:
    """Return the tokens of a pair; an answer that was cut off counts as none."""
    before = f"{passage.title}\n" if titled and passage.title else ""
    encoding = tokenizer.encode(question, before + passage.text)
    if answer is None:
        return Pair(encoding)
    start, end = answer[0] + len(before), answer[1] + len(before)
    places = zip(encoding.type_ids, encoding.offsets, strict=True)
    inside = [n for n, (kind, (a, b)) in enumerate(places) if kind == 1 and a < end and b > start]
    return Pair(encoding, inside[0], inside[-1]) if inside else Pair(encoding)


def padded(pairs: Sequence[Pair]) -> Batch:
    """Return the pairs as one batch."""
    length = max(len(one.encoding.ids) for one in pairs)
    ids = torch.zeros(len(pairs), length, dtype=torch.long)
    mask, kinds = torch.zeros_like(ids), torch.zeros_like(ids)
    for row, one in enumerate(pairs):
        tokens = len(one.encoding.ids)
        ids[row, :tokens] = torch.tensor(one.encoding.ids)
        kinds[row, :tokens] = torch.tensor(one.encoding.type_ids)
        mask[row, :tokens] = 1
    return Batch(ids, mask, kinds)


def loss_of(scores: Tensor, own: Sequence[Pair], near: Sequence[Pair]) -> Tensor:
    """Return the loss of a step over the scores of `own` followed by those of `near`, one for each of `own`."""
    pairs = [*own, *near]
    firsts = functional.cross_entropy(scores[..., 0], torch.tensor([p.first for p in pairs]), reduction="none")
    lasts = functional.cross_entropy(scores[..., 1], torch.tensor([p.last for p in pairs]), reduction="none")
    answered = torch.tensor([one.last > 0 for one in own])
    weights = torch.cat([
        torch.where(answered, 1.0, _NO_ANSWER_WEIGHT), torch.full((len(near),), _NEAR_MISS_WEIGHT)
    ])  # fmt: skip
    loss = ((firsts + lasts) / 2 * weights).sum() / weights.sum()
    if answered.any():
        relevance = (scores[:, 1:].logsumexp(1) - scores[:, 0]).sum(-1)
        above = relevance[: len(own)] - relevance[len(own) :]
        loss = loss + _RANKING_WEIGHT * functional.softplus(-above[answered] / 2).mean()
    return loss


def steps(
    given: Sequence[Example], tokenizer: Tokenizer, dice: random.Random
) -> Iterator[tuple[list[Pair], list[Pair]]]:
    """Yield the passages and near misses of each step of one epoch; good near misses are drawn more often."""
    order = list(given)
    dice.shuffle(order)
    for start in range(0, len(order), BATCH * _SORTED_OVER):
        some = sorted(order[start : start + BATCH * _SORTED_OVER], key=lambda one: len(one.passage.text))
        batches = [some[n : n + BATCH] for n in range(0, len(some), BATCH)]
        dice.shuffle(batches)
        for batch in batches:
            own, near = [], []
            for one in batch:
                titled = dice.random() < _TITLED
                miss = one.near_misses[min(int(dice.expovariate(0.5)), len(one.near_misses) - 1)]
                own.append(pair(tokenizer, one.question, one.passage, one.answer, titled))
                near.append(pair(tokenizer, one.question, miss, None, titled))
            yield own, near


def train(
    model: SpanReader, given: Sequence[Example], tokenizer: Tokenizer, n_steps: int, rate: float, seed: int
) -> list[float]:
    """Train for `n_steps` with AdamW, a warm-up and a linear fall of the learning rate; return the steps' losses."""
    torch.manual_seed(seed)
    dice, losses, started, tokens = random.Random(seed), list[float](), time.perf_counter(), 0
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.01)
    dtype = fastest_dtype()
    model.train()
    while len(losses) < n_steps:
        for own, near in steps(given, tokenizer, dice):
            done = len(losses)
            warm = min(1.0, (done + 1) / max(1, min(_WARMUP_STEPS, n_steps // 10)))
            optimizer.param_groups[0]["lr"] = rate * warm * max(0.02, 1 - done / n_steps)
            batch = padded([*own, *near])
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                scores = model(batch)
            loss = loss_of(scores.float(), own, near)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            losses.append(loss.item())
            tokens += int(batch.mask.sum())
            if len(losses) % 50 == 0 or len(losses) == n_steps:
                speed = tokens / (time.perf_counter() - started)
                mean = sum(losses[-50:]) / len(losses[-50:])
                print(
                    f"step {len(losses)} of {n_steps}: loss {mean:.3f}, {speed:.0f} tokens/s",
                    file=sys.stderr,
                    flush=True,
                )
            if len(losses) == n_steps:
                break
    return losses


def main(arguments: Sequence[str]) -> int:
    """Train in the folder `--out`; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path, help="whose sources and split are used")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--begin", type=Path, help="a run to go on from, with a learning rate that rises again")
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--rate", type=float, default=2e-4)
    options = parser.parse_args(arguments)
    try:
        facts = _run(options)
    except AdaptationError as exc:
        print(exc, file=sys.stderr)
        return 1
    except OSError as exc:
        print(unwritten(exc), file=sys.stderr)
        return 1
    print(json.dumps(facts, indent=2))
    return 0


def _run(options: argparse.Namespace) -> dict[str, object]:
    chosen = recipe.load(options.recipe)
    options.out.mkdir(parents=True, exist_ok=True)
    embed = RememberingEmbedder(options.out / "vectors.npz")
    given = examples(split(chosen, options.data)["train"], embed)
    embed.save()
    folder = packaged_folder()
    torch.manual_seed(chosen.seed)
    model = SpanReader(folder)
    if options.begin:
        model.load_state_dict(named(load_file(options.begin / "model.safetensors")))
    losses = train(model, given, tokenizer_of(folder), options.steps, options.rate, chosen.seed)
    save(model, options.out)
    facts: dict[str, object] = {
        "recipe": chosen.name, "recipe_version": chosen.version, "examples": len(given), "steps": options.steps,
        "rate": options.rate, "last_losses": losses[-50:], **machine.facts(),
    }  # fmt: skip
    (options.out / "run.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    return facts


def tokenizer_of(folder: Path) -> Tokenizer:
    """Return the tokenizer with the truncation that the product uses."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")
    return tokenizer


def save(model: SpanReader, folder: Path) -> None:
    """Write model.safetensors under the names that the export knows."""
    tensors = {name.removeprefix("bert."): value.contiguous() for name, value in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")


def named(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as `save` wrote them under the names of the model."""
    return {name if name.startswith("out.") else f"bert.{name}": value for name, value in tensors.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
