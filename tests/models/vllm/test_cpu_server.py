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
made = PunicaWrapperCPU(256, 8, "cpu")

def compare(ids, places):
    made.update_metadata(LoRAMapping(tuple(ids), tuple(ids), is_prefill=True), places, 2, 100)
    x, before = torch.randn(len(ids), 16), torch.randn(len(ids), sum(SLICES))
    y = before.clone()
    made.add_lora_linear(y, x, tuple(down), tuple(up), 0.5, SLICES)
    for row, name in enumerate(ids):
        place = places.index(name) if name else None
        added = [u[place, 0] @ (d[place, 0] @ x[row]) * 0.5 for d, u in zip(down, up)] if name else [torch.zeros(40)]
        torch.testing.assert_close(y[row], before[row] + torch.cat(added))

for ids in ([7, 7, 7], [7], [0, 9], [9, 0, 7, 9, 0], [0, 0], [7] * 90, [9] * 90 + [7, 0]):
    compare(ids, [7, 9])
for one in (*down, *up):
    one[0].normal_()  # another adapter takes the place of 7
compare([8, 9, 0], [8, 9])
compare([8] * 90, [8, 9])
print("as it should be")
"""


def test_each_row_gets_its_adapter_and_rows_of_the_base_model_none(tmp_path: Path) -> None:
    command = [str(installed()), "-P", "-c", SCRIPT, str(arguments.CPU_SERVER)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("as it should be")
