"""Attention over packed sequences for transformers' Llama-like models, without work on pairs that must not meet.

The shared prompt attends to itself causally. Branches are taken some at a time, each block attending to the prompt
and, under a mask, to itself: about half of the products of one dense mask at 700 shared and 500 branch tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface

from assistant.adaptation.packing import Packed

NAME = "packed"
BLOCK_TOKENS = 256  # larger blocks mean fewer calls and more masked products


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the prompt ends, and the blocks of branches with the mask of each."""

    shared: int
    blocks: tuple[tuple[int, int, torch.Tensor], ...]  # start, end, bool (end - start, shared + end - start)


def layout(packed: Packed) -> Layout:
    """Return the blocks of a packed sequence."""
    blocks: list[tuple[int, int, torch.Tensor]] = []
    pending: list[tuple[int, int]] = []
    for number, span in enumerate(packed.branches):
        pending.append(span)
        last = number == len(packed.branches) - 1
        if last or packed.branches[number + 1][1] - pending[0][0] > BLOCK_TOKENS:
            blocks.append((pending[0][0], span[1], _mask(packed.shared, pending)))
            pending = []
    return Layout(packed.shared, tuple(blocks))


def _mask(shared: int, spans: Sequence[tuple[int, int]]) -> torch.Tensor:
    origin, end = spans[0][0], spans[-1][1]
    mask = torch.zeros(end - origin, shared + end - origin, dtype=torch.bool)
    mask[:, :shared] = True
    for start, stop in spans:
        own = torch.ones(stop - start, stop - start, dtype=torch.bool).tril()
        mask[start - origin : stop - origin, shared + start - origin : shared + stop - origin] = own
    return mask


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,  # (1, heads, L, width)
    key: torch.Tensor,  # (1, key heads, L, width)
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    layout: Layout | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Return (1, L, heads, width) and no weights; without a layout it is plain causal attention."""
    repeat = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(repeat, 1), value.repeat_interleave(repeat, 1)
    shared = query.shape[2] if layout is None else layout.shared
    out = [
        scaled_dot_product_attention(
            query[:, :, :shared], key[:, :, :shared], value[:, :, :shared], is_causal=True, scale=scaling
        )
    ]
    for start, end, mask in layout.blocks if layout else ():
        keys = torch.cat([key[:, :, :shared], key[:, :, start:end]], 2)
        values = torch.cat([value[:, :, :shared], value[:, :, start:end]], 2)
        out.append(scaled_dot_product_attention(query[:, :, start:end], keys, values, attn_mask=mask, scale=scaling))
    return torch.cat(out, 2).transpose(1, 2).contiguous(), None


def register() -> None:
    """Make `attn_implementation="packed"` known to transformers; it may be called again."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, lambda *args, **kwargs: None)
