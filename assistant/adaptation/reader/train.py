"""Train the reader: `python -m assistant.adaptation.reader.train RECIPE --data FOLDER --base FOLDER --out RUN`.

The model is MPNet (Song et al. 2020) with one linear layer on top, which scores each token as the answer's first and
last one; the first token stands for "no answer" (Devlin et al. 2019, "BERT", section 4.3). Each step shows as many near
misses as passages with an answer, and one term of the loss ranks a passage above the near miss of its question. Words
and the lowest layers are not trained: they cost a quarter of a step and are general. `python -m
knowledge.models.export_reader RUN` makes the file that ships. docs/experiments/2026-11-reader.md has what it came to.
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
from transformers import MPNetModel

from assistant.adaptation import machine, recipe
from assistant.adaptation.errors import AdaptationError, unwritten
from assistant.adaptation.reader.examples import Example, examples
from assistant.adaptation.reader.texts import texts
from assistant.adaptation.rows import Passage
from assistant.adaptation.sft import fastest_dtype
from assistant.adaptation.splits import split
from assistant.adaptation.vectors import RememberingEmbedder
from knowledge.reader import MAX_TOKENS

BATCH = 12  # questions of a step; each brings its passage and one near miss
_SORTED_OVER = 16  # batches whose examples are sorted by length together: less padding
PADDING = 1  # MPNet's token for it
_WARMUP_STEPS = 60  # at most a tenth of all
_TITLED = 0.7  # share of questions whose passages are shown with their titles
_CUT = 0.85  # share of questions whose passages are shown in part, so that a step sees more questions in the same time
_CUT_TO = (200, 550)  # characters of such a part
_FROZEN_LAYERS = 3
_HEAD_RATE = 10  # times the rate of the encoder: the layer on top begins with chance
_SAVE_EVERY = 100  # steps
_OTHERS, _TWISTS = 0.25, 0.35  # share of near misses of another kind of text, and of the passage asked otherwise
_NO_ANSWER_WEIGHT, _NEAR_MISS_WEIGHT, _RANKING_WEIGHT = 0.6, 0.7, 0.3
_FORBIDDEN = -1e4  # score of a token that cannot be part of an answer


class SpanReader(nn.Module):
    """MPNet and the two scores per token."""

    def __init__(self, folder: Path) -> None:
        """Read the encoder's weights from `folder`."""
        super().__init__()
        self.encoder = MPNetModel.from_pretrained(folder, add_pooling_layer=False, attention_probs_dropout_prob=0.0)
        for frozen in (self.encoder.embeddings, *self.encoder.encoder.layer[:_FROZEN_LAYERS]):
            frozen.requires_grad_(False)
        self.out = nn.Linear(self.encoder.config.hidden_size, 2)
        nn.init.normal_(self.out.weight, std=0.02)

    def forward(self, batch: Batch) -> Tensor:
        """Return the scores, (pairs, tokens, 2); tokens outside the passage can be no answer, but the first can."""
        hidden = self.encoder(input_ids=batch.ids, attention_mask=batch.mask)
        allowed = batch.passage.clone()
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
    passage: Tensor  # true for the passage's tokens


def pair(tokenizer: Tokenizer, question: str, passage: Passage, answer: tuple[int, int] | None, titled: bool) -> Pair:
    """Return the tokens of a pair; an answer that was cut off counts as none."""
    before = f"{passage.title}\n" if titled and passage.title else ""
    encoding = tokenizer.encode(question, before + passage.text)
    if answer is None:
        return Pair(encoding)
    start, end = answer[0] + len(before), answer[1] + len(before)
    places = zip(encoding.sequence_ids, encoding.offsets, strict=True)
    inside = [n for n, (which, (a, b)) in enumerate(places) if which == 1 and a < end and b > start]
    return Pair(encoding, inside[0], inside[-1]) if inside else Pair(encoding)


def padded(pairs: Sequence[Pair]) -> Batch:
    """Return the pairs as one batch."""
    length = max(len(one.encoding.ids) for one in pairs)
    ids = torch.full((len(pairs), length), PADDING)
    mask, passage = torch.zeros_like(ids), torch.zeros(len(pairs), length, dtype=torch.bool)
    for row, one in enumerate(pairs):
        tokens = len(one.encoding.ids)
        ids[row, :tokens] = torch.tensor(one.encoding.ids)
        passage[row, :tokens] = torch.tensor([which == 1 for which in one.encoding.sequence_ids])
        mask[row, :tokens] = 1
    return Batch(ids, mask, passage)


def part(
    passage: Passage, answer: tuple[int, int] | None, length: int, dice: random.Random
) -> tuple[Passage, tuple[int, int] | None]:
    """Return about `length` characters of a passage around its answer, or drawn by chance if it has none."""
    text = passage.text
    first, last = answer if answer else (0, 0)
    if len(text) <= length or last - first >= length:
        return passage, answer
    least, most = (max(0, last - length), min(first, len(text) - length)) if answer else (0, len(text) - length)
    start = dice.randint(least, most)
    begin = text.rfind(" ", 0, start) + 1
    end = text.find(" ", max(start + length, last))
    shown = Passage(passage.title, text[begin : end if end >= 0 else len(text)])
    return shown, ((first - begin, last - begin) if answer else None)


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
        some = [_shown(one, tokenizer, dice) for one in order[start : start + BATCH * _SORTED_OVER]]
        some.sort(key=lambda pairs: max(len(one.encoding.ids) for one in pairs))
        batches = [some[n : n + BATCH] for n in range(0, len(some), BATCH)]
        dice.shuffle(batches)
        for batch in batches:
            yield [own for own, _ in batch], [near for _, near in batch]


def _shown(one: Example, tokenizer: Tokenizer, dice: random.Random) -> tuple[Pair, Pair]:
    titled, passage, answer = dice.random() < _TITLED, one.passage, one.answer
    question, miss, kind = one.question, None, dice.random()
    if one.others and kind < _OTHERS:
        miss = _drawn(one.others, dice)
    elif not one.twists or kind >= _OTHERS + _TWISTS:
        miss = _drawn(one.near_misses, dice)
    else:
        question = dice.choice(one.twists)
    if dice.random() < _CUT:
        length = dice.randint(*_CUT_TO)
        miss = part(miss, None, length, dice)[0] if miss else None
        if answer is not None:  # what makes a question look answerable would be cut off
            passage, answer = part(passage, answer, length, dice)
    own = pair(tokenizer, one.question, passage, answer, titled)
    return own, pair(tokenizer, question, miss or passage, None, titled)


def _drawn(near: Sequence[Passage], dice: random.Random) -> Passage:
    return near[min(int(dice.expovariate(0.5)), len(near) - 1)]


def train(
    model: SpanReader, given: Sequence[Example], tokenizer: Tokenizer, n_steps: int, rate: float, seed: int, out: Path
) -> list[float]:
    """Train for `n_steps` with AdamW, a warm-up and a linear fall of the learning rate; return the steps' losses.

    What has been learned is saved in the folder `out` now and then, and at the end.
    """
    torch.manual_seed(seed)
    # Of another name, so that a run that goes on from one sees its questions in another order.
    dice = random.Random(f"{seed} {out.name}")
    losses, started, tokens = list[float](), time.perf_counter(), 0
    trained = [parameter for parameter in model.encoder.parameters() if parameter.requires_grad]
    head = list(model.out.parameters())
    groups = [{"params": trained, "times": 1}, {"params": head, "times": _HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=0.01, fused=True)
    dtype = fastest_dtype()
    model.train()
    while len(losses) < n_steps:
        for own, near in steps(given, tokenizer, dice):
            done = len(losses)
            warm = min(1.0, (done + 1) / max(1, min(_WARMUP_STEPS, n_steps // 10)))
            for group in optimizer.param_groups:
                group["lr"] = group["times"] * rate * warm * max(0.02, 1 - done / n_steps)
            batch = padded([*own, *near])
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                scores = model(batch)
            loss = loss_of(scores.float(), own, near)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            nn.utils.clip_grad_norm_([*trained, *head], 1.0)
            optimizer.step()
            losses.append(loss.item())
            tokens += int(batch.mask.sum())
            if len(losses) % _SAVE_EVERY == 0 or len(losses) == n_steps:
                save(model, out)
            if len(losses) % 20 == 0 or len(losses) == n_steps:
                speed = tokens / (time.perf_counter() - started)
                mean = sum(losses[-20:]) / len(losses[-20:])
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
    parser.add_argument(
        "--others", type=Path, nargs="*", default=[], help="texts of another kind: folders of .md, .jsonl"
    )
    parser.add_argument("--base", type=Path, required=True, help="the folder of all-mpnet-base-v2")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--begin", type=Path, help="a run to go on from, with a learning rate that rises again")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=5e-5)
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
    given = examples(split(chosen, options.data)["train"], embed, texts(options.others), chosen.seed)
    embed.save()
    torch.manual_seed(chosen.seed)
    model = SpanReader(options.base)
    if options.begin:
        model.load_state_dict(named(load_file(options.begin / "model.safetensors")))
    losses = train(model, given, tokenizer_of(options.base), options.steps, options.rate, chosen.seed, options.out)
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
    tensors = {name.removeprefix("encoder."): value.contiguous() for name, value in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")


def named(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as `save` wrote them under the names of the model."""
    return {name if name.startswith("out.") else f"encoder.{name}": value for name, value in tensors.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
