"""Adapters that fail to load while another one answers: each is refused with its reason, and no chat notices.

`--fault-runs N` makes N attempts of each shape.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.adaptation import publish
from assistant.adaptation.adapter import CONFIG, MANIFEST, WEIGHTS, write_manifest

from .conftest import GROUNDED, Door

pytestmark = pytest.mark.fault

GOOD, BAD = "grounded-answer", "bad-adapter"
CHAT: dict[str, Any] = {"model": GOOD, "messages": [{"role": "user", "content": "Hi"}]}


def _known(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    del found["files"]
    return found


def _configured(**values: Any) -> Callable[[Path, Door], None]:
    def change(folder: Path, _door: Door) -> None:
        settings = json.loads((folder / CONFIG).read_text()) | values
        (folder / CONFIG).write_text(json.dumps(settings))
        write_manifest(folder, _known(folder))

    return change


def _other_base(folder: Path, _door: Door) -> None:
    write_manifest(folder, _known(folder) | {"base_sha256": "f" * 64})


def _no_numbers(folder: Path, _door: Door) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-2:] = np.array([np.nan], "<f2").tobytes()
    (folder / WEIGHTS).write_bytes(content)
    write_manifest(folder, _known(folder))


def _torn(folder: Path, _door: Door) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-7])


def _gone(folder: Path, _door: Door) -> None:
    (folder / WEIGHTS).unlink()


def _no_memory(_folder: Path, door: Door) -> None:
    door.vllm.refuses = "CUDA out of memory"


def _mute(_folder: Path, door: Door) -> None:
    door.vllm.mute = frozenset({BAD})


def _silent(_folder: Path, door: Door) -> None:
    door.vllm.silent = frozenset({BAD})


SHAPES: dict[str, tuple[Callable[[Path, Door], None], str]] = {
    "rank": (_configured(r=512), "rank is 512"),
    "missing": (_gone, "damaged"),
    "torn": (_torn, "damaged"),
    "not numbers": (_no_numbers, "not all numbers"),
    "other base": (_other_base, "base model ffffffffffff"),
    "no memory": (_no_memory, "out of memory"),
    "no token": (_mute, "cannot answer"),
    "no text": (_silent, "has no text"),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_an_adapter_that_cannot_be_loaded_disturbs_nobody(
    shape: str, door: Door, tmp_path: Path, seed: int, fault_runs: int
) -> None:
    draw, (spoil, reason) = random.Random(seed), SHAPES[shape]
    folder = tmp_path / "adapters" / BAD
    shutil.copytree(GROUNDED, folder)
    entry = publish.Published(name="bad", folder=BAD, manifest_sha256="0" * 64, at=time.time())
    (tmp_path / "adapters.json").write_text(publish.Registry(history=(entry,)).model_dump_json())
    assert (await door.client.put(f"/adapters/{GOOD}")).status_code == 200
    spoil(folder, door)

    async def chat() -> None:
        await asyncio.sleep(draw.uniform(0, 0.01))
        answer = await door.client.post("/v1/chat/completions", json=CHAT)
        assert answer.status_code == 200 and answer.json()["model"] == GOOD

    for _ in range(fault_runs):
        if shape == "no memory":
            spoil(folder, door)
        refused, *_ = await asyncio.gather(door.client.put(f"/adapters/{BAD}"), *(chat() for _ in range(4)))
        assert refused.status_code == 409 and reason in refused.json()["error"]["message"]
        assert set(door.vllm.adapters) == {GOOD} and door.adapters.loaded == {GOOD}
        gone = await door.client.post("/v1/chat/completions", json=CHAT | {"model": BAD})
        assert gone.status_code == 404
