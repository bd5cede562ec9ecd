"""vLLM's server on a CPU, its adapters computed for many rows at once: PYTHON -P cpu_server.py OPTIONS OF VLLM.

Runs on the Python of vLLM's environment, which has nothing of ours. vLLM 0.32 copies the adapter's weights for every
token of a batch, so that a prompt takes ten times as long as without an adapter, and it gives tokens of the base model
the adapter in the last place (index -1) when both are in one batch. Here the rows of each adapter are found once a step
and multiplied together, and the base model's rows stay as they are. Only without compilation: what is found changes
with each step.

Few rows, as in decoding, are multiplied in single precision by a copy of the adapter that has the slices of a
projection (query, key and value; gate and up) in one matrix: the products are so small that calling them is what costs,
and those in bfloat16 cost four times as much to call (docs/experiments/2026-11-serving.md).
"""

from __future__ import annotations

import runpy
from typing import Any

import torch
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

Tensor = Any  # torch.Tensor; the app's environment, where this file is checked, has no torch

FEW_ROWS = 24  # with 40, single precision costs a fifth more than bfloat16 (SmolLM2-135M, rank 32, AMX)
_MODULE = "vllm.entrypoints.openai.api_server"
_update_metadata = PunicaWrapperCPU.update_metadata


def rows_of(indices: list[int]) -> list[tuple[int, list[int]]]:
    """Return the places of adapters that are asked for, each with its rows; negative indices are the base model's."""
    found: dict[int, list[int]] = {}
    for row, place in enumerate(indices):
        if place >= 0:
            found.setdefault(place, []).append(row)
    return list(found.items())


def update_metadata(self: Any, *given: Any, **named: Any) -> None:
    """Do what vLLM does at the beginning of a step, and find the rows of each adapter.

    `grouped` holds (place, its rows, 1.0 for each row of it and 0.0 for the others); None and None: all rows are its.
    """
    _update_metadata(self, *given, **named)
    self.copies = getattr(self, "copies", {})  # (address of the weights, place) -> adapter, and its two matrices
    self.adapters = tuple(given[1] if len(given) > 1 else named["lora_index_to_id"])
    indices = self.token_lora_indices
    self.grouped = [
        (place, None, None)
        if len(rows) == len(indices)
        else (place, torch.tensor(rows), (indices == place).float().unsqueeze(1))
        for place, rows in rows_of(indices.tolist())
    ]


def joined(self: Any, place: int, downs: tuple[Tensor, ...], ups: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Return the adapter in `place` as two matrices in single precision: (in, slices x rank) and (slices x rank, out).

    They are kept until another adapter takes the place.
    """
    key, adapter = (downs[0].data_ptr(), place), self.adapters[place]
    held = self.copies.get(key)
    if held is None or held[0] != adapter:
        down = torch.cat([one[place, 0] for one in downs]).t().float().contiguous()
        up = torch.zeros(down.shape[1], sum(one.shape[2] for one in ups))
        row, column = 0, 0
        for one in ups:
            size, rank = one.shape[2:]
            up[row : row + rank, column : column + size] = one[place, 0].t()
            row, column = row + rank, column + size
        held = self.copies[key] = (adapter, down, up, downs)  # the last, so that its address stays its own
    return held[1], held[2]


def add_lora_linear(
    self: Any,
    y: Tensor,
    x: Tensor,
    lora_a_stacked: tuple[Tensor, ...],
    lora_b_stacked: tuple[Tensor, ...],
    scale: float,
    output_slices: tuple[int, ...],
    **_unused: Any,
) -> None:
    """Add to `y` (rows, out) what the adapters make of `x` (rows, in), slice by slice of the output.

    `lora_a_stacked` has shape (places, 1, rank, in) for each slice, `lora_b_stacked` (places, 1, size of it, rank).
    """
    y, x = y.view(-1, y.shape[-1]), x.view(-1, x.shape[-1])
    y = y[:, : sum(output_slices)]
    for place, rows, own in self.grouped:
        if len(x) <= FEW_ROWS:
            down, up = joined(self, place, lora_a_stacked, lora_b_stacked)
            low = x.float() @ down
            y.add_((low if own is None else low.mul_(own)) @ up, alpha=scale)
        else:
            downs = [down[place, 0].t() for down in lora_a_stacked]
            ups = [up[place, 0].t() for up in lora_b_stacked]
            _add_to_many(y, x, rows, downs, ups, scale, output_slices)


def _add_to_many(
    y: Tensor,
    x: Tensor,
    rows: Tensor,
    downs: list[Tensor],
    ups: list[Tensor],
    scale: float,
    output_slices: tuple[int, ...],
) -> None:
    part = x if rows is None else x.index_select(0, rows)
    lows = [part @ down for down in downs]
    if rows is None:
        for slot, low, up in zip(y.split(output_slices, 1), lows, ups, strict=True):
            slot.addmm_(low, up, alpha=scale)
    else:
        y.index_add_(0, rows, torch.cat([low @ up for low, up in zip(lows, ups, strict=True)], 1), alpha=scale)


# At import, so that processes which vLLM starts from this file have it, too.
PunicaWrapperCPU.update_metadata = update_metadata
PunicaWrapperCPU.add_lora_linear = add_lora_linear

if __name__ == "__main__":
    runpy.run_module(_MODULE, run_name="__main__")
