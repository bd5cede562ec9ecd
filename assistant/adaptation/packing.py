"""Groups become packed sequences: the passages once, then every branch behind them, each blind to the others.

A branch sees exactly the tokens at exactly the positions that it would see alone, so packing changes the cost and
nothing else; a test holds the logits equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from assistant.adaptation.dataset import Branch, Group
from assistant.adaptation.errors import DatasetError
from assistant.models.local import chatml
from assistant.orchestration import prompts
from assistant.orchestration.prompts import GroundedPrompt

_CONTROL = chatml.ControlTokens(())


class Tokenizer(Protocol):
    """What packing needs of a tokenizer."""

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, markers of the chat form included, nothing added."""
        ...


@dataclass(frozen=True, slots=True)
class Packed:
    """One training sequence of L tokens: `shared` tokens of prompt, then the branches one after the other."""

    ids: tuple[int, ...]  # L
    positions: tuple[int, ...]  # L; each branch starts again at `shared`
    shared: int
    branches: tuple[tuple[int, int], ...]  # [start, end) of each branch, in order, without gaps
    predict: tuple[int, ...]  # positions in the sequence whose next token is learned, branch by branch
    targets: tuple[int, ...]  # that next token, as long as `predict`
    owner: tuple[int, ...]  # branch number of each prediction
    kinds: tuple[str, ...]  # kind of each branch


def chat(messages: Sequence[prompts.Message]) -> str:
    """Return the text that the local engine makes of `messages`, ready for the reply."""
    return chatml.render(messages, _CONTROL)


def pack(group: Group, prompt: GroundedPrompt, tokenizer: Tokenizer, max_tokens: int) -> Packed:
    """Return `group` as one sequence; branches that do not fit into `max_tokens` are left out from the end.

    Raises DatasetError when not even one branch fits.
    """
    passages = [(p.title, p.text) for p in group.passages]
    asked = [tokenizer.encode(chat(prompts.render(prompt, passages, b.question))) for b in group.branches]
    shared = min(_common(asked), *(len(ids) - 1 for ids in asked))
    ids, positions = list(asked[0][:shared]), list(range(shared))
    spans: list[tuple[int, int]] = []
    predict, targets, owner, kinds = list[int](), list[int](), list[int](), list[str]()
    for branch, question in zip(group.branches, asked, strict=True):
        reply = _reply(branch, tokenizer)
        body = [*question[shared:], *reply[:-1]]  # the end marker is predicted, never read
        if len(ids) + len(body) > max_tokens:
            continue
        start = len(ids)
        ids += body
        positions += range(shared, shared + len(body))
        first = start + len(question) - shared - 1
        predict += range(first, first + len(reply))
        targets += reply
        owner += [len(spans)] * len(reply)
        spans.append((start, len(ids)))
        kinds.append(branch.kind)
    if not spans:
        raise DatasetError(f"A group of {shared} prompt tokens leaves no room in max_tokens={max_tokens}. Raise it.")
    return Packed(
        tuple(ids), tuple(positions), shared, tuple(spans), tuple(predict), tuple(targets), tuple(owner), tuple(kinds)
    )


def _reply(branch: Branch, tokenizer: Tokenizer) -> list[int]:
    return tokenizer.encode(f"{branch.answer}<|im_end|>")


def _common(sequences: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all sequences start with."""
    length = min(len(s) for s in sequences)
    return next((n for n in range(length) if len({s[n] for s in sequences}) > 1), length)
