"""vLLM's server on a CPU, its adapters computed for many rows at once: PYTHON -P cpu_server.py OPTIONS OF VLLM.

Runs on the Python of vLLM's environment, which has nothing of ours. vLLM 0.32 copies the adapter's weights for every
token of a batch, so that a prompt takes ten times as long as without an adapter, and it gives tokens of the base model
the adapter in the last place (index -1) when both are in one batch. Here the rows of each adapter are found once a step
and multiplied together, and the base model's rows stay as they are. Only without compilation: what is found changes
with each step.
"""

from __future__ import annotations

import runpy
from typing import Any

import torch
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

Tensor = Any  # torch.Tensor; the app's environment, where this file is checked, has no torch

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
    """Do what vLLM does at the beginning of a step, and find the rows of each adapter; None: all of them."""
    _update_metadata(self, *given, **named)
    indices = self.token_lora_indices.tolist()
    self.grouped = [
        (place, None if len(rows) == len(indices) else torch.tensor(rows)) for place, rows in rows_of(indices)
    ]


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
    for place, rows in self.grouped:
        part = x if rows is None else x.index_select(0, rows)
        begin = 0
        for down, up, size in zip(lora_a_stacked, lora_b_stacked, output_slices, strict=True):
            low = part @ down[place, 0].t()
            slot = y[:, begin : begin + size]
            if rows is None:
                slot.addmm_(low, up[place, 0].t(), alpha=scale)
            else:
                slot.index_add_(0, rows, low @ up[place, 0].t(), alpha=scale)
            begin += size


# At import, so that processes which vLLM starts from this file have it, too.
PunicaWrapperCPU.update_metadata = update_metadata
PunicaWrapperCPU.add_lora_linear = add_lora_linear

if __name__ == "__main__":
    runpy.run_module(_MODULE, run_name="__main__")
