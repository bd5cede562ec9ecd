"""A proxy over the stand-in of vLLM, and adapters to be refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from assistant.adaptation.adapter import CONFIG, MANIFEST, SHIPPED, WEIGHTS, read_safetensors, write_manifest
from assistant.models.vllm.adapters import Adapters
from assistant.models.vllm.deployment import Deployment
from assistant.models.vllm.fake import FakeVllm
from assistant.models.vllm.progress import Progress
from assistant.models.vllm.proxy import Proxy
from assistant.models.vllm.upstream import Upstream

KEY = "a-key"
GROUNDED = SHIPPED / "grounded-answer"
DEPLOYMENT = Deployment(served_name="base", device="cpu")

Copied = Callable[..., Path]
Tensors = dict[str, np.ndarray[Any, np.dtype[np.float32]]]


@dataclass
class Door:
    """The proxy with what stands behind it."""

    client: httpx.AsyncClient
    vllm: FakeVllm
    progress: Progress
    adapters: Adapters


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    vllm = FakeVllm()
    upstream = Upstream(Path("unused"), "inner", httpx.ASGITransport(vllm.application()))
    adapters, now = Adapters(upstream, DEPLOYMENT, tmp_path), [0.0]
    progress = Progress(lambda: now[0])
    app = Proxy(upstream, adapters, progress, KEY).application()
    headers = {"Authorization": f"Bearer {KEY}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://proxy", headers=headers) as client:
        yield Door(client, vllm, progress, adapters)
    await upstream.close()


@pytest.fixture
def copied(tmp_path: Path) -> Copied:
    """Copy the adapter that ships and change what the test wants changed, with a manifest that agrees."""

    def copy(
        config: dict[str, Any] | None = None,
        manifest: dict[str, Any] | None = None,
        tensors: Callable[[Tensors], Tensors] | None = None,
    ) -> Path:
        return changed_copy(tmp_path / "changed", config, manifest, tensors)

    return copy


def changed_copy(
    folder: Path,
    config: Mapping[str, Any] | None = None,
    manifest: Mapping[str, Any] | None = None,
    tensors: Callable[[Tensors], Tensors] | None = None,
) -> Path:
    """Return `folder`, made from the adapter that ships with those changes and a manifest that agrees."""
    shutil.copytree(GROUNDED, folder)
    settings = json.loads((folder / CONFIG).read_text()) | (config or {})
    (folder / CONFIG).write_text(json.dumps(settings))
    if tensors:
        write_safetensors(folder / WEIGHTS, tensors(read_safetensors(folder / WEIGHTS)))
    known = json.loads((folder / MANIFEST).read_text()) | (manifest or {})
    del known["files"]
    write_manifest(folder, known)
    return folder


def write_safetensors(path: Path, tensors: Tensors) -> None:
    """Write tensors in single precision."""
    header: dict[str, Any] = {}
    content = b""
    for name, tensor in tensors.items():
        begin = len(content)
        content += tensor.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, len(content)]}
    head = json.dumps(header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + content)
