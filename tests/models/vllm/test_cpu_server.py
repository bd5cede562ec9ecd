"""Adapters on a CPU: what many rows get at once is what each of them should, and the base model's rows get nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from assistant.models.vllm import arguments
from tests.models.vllm.served import installed

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(1_800)]

SCRIPT = """
import runpy, sys, torch
runpy.run_path(sys.argv[1], run_name="loaded")
from vllm.lora.layers import LoRAMapping
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

torch.manual_seed(0)
SLICES = (24, 8, 8)
down = [torch.randn(2, 1, 4, 16) for _ in SLICES]
up = [torch.randn(2, 1, size, 4) for size in SLICES]
for ids in ([7, 7, 7], [7], [0, 9], [9, 0, 7, 9, 0], [0, 0]):
    made = PunicaWrapperCPU(64, 8, "cpu")
    made.update_metadata(LoRAMapping(tuple(ids), tuple(ids), is_prefill=True), [7, 9], 2, 100)
    x, before = torch.randn(len(ids), 16), torch.randn(len(ids), sum(SLICES))
    y = before.clone()
    made.add_lora_linear(y, x, tuple(down), tuple(up), 0.5, SLICES)
    for row, name in enumerate(ids):
        place = {7: 0, 9: 1, 0: None}[name]
        added = [u[place, 0] @ (d[place, 0] @ x[row]) * 0.5 for d, u in zip(down, up)] if name else [torch.zeros(40)]
        torch.testing.assert_close(y[row], before[row] + torch.cat(added))
print("as it should be")
"""


def test_each_row_gets_its_adapter_and_rows_of_the_base_model_none(tmp_path: Path) -> None:
    command = [str(installed()), "-P", "-c", SCRIPT, str(arguments.CPU_SERVER)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("as it should be")
