"""Whether an adapter can be served by a deployment, found out before vLLM opens a file of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.adaptation.adapter import CONFIG, WEIGHTS, open_adapter, read_safetensors
from assistant.adaptation.errors import AdapterError
from assistant.models.errors import AdapterRefused
from assistant.models.vllm.deployment import Deployment

KINDS = frozenset({".safetensors", ".json", ".yaml", ".md"})  # nothing that is run or unpickled when it is loaded
MAX_FILE_BYTES = 4 * 1024**3


class Shape(BaseModel):
    """The part of peft's configuration that decides whether vLLM can serve an adapter."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    r: int
    target_modules: tuple[str, ...]
    bias: str = "none"
    modules_to_save: tuple[str, ...] | None = None
    rank_pattern: dict[str, int] = {}
    auto_map: object = None


def check(folder: Path, deployment: Deployment) -> Shape:
    """Return the shape of the adapter in `folder`; raises AdapterRefused with the reason when it must not be loaded."""
    if deployment.lora is None:
        raise AdapterRefused("This server was started without adapters. Add `lora` to its deployment, start it again.")
    _plain_files(folder)
    try:
        manifest = open_adapter(folder).manifest
        shape = Shape.model_validate(json.loads((folder / CONFIG).read_bytes()))
        tensors = read_safetensors(folder / WEIGHTS)
    except (AdapterError, ValidationError, ValueError, OSError) as exc:
        raise AdapterRefused(f"The adapter {folder.name!r} is damaged: {exc}") from exc
    rank = max((shape.r, *shape.rank_pattern.values()))
    unknown = sorted(set(shape.target_modules) - set(deployment.lora.targets))
    reasons = [
        (not tensors, "it has no weights"),
        (any(not np.isfinite(tensor).all() for tensor in tensors.values()), "its weights are not all numbers"),
        (rank < 1, f"its rank is {rank}"),
        (
            rank > deployment.lora.max_rank,
            f"its rank is {rank}, the server takes {deployment.lora.max_rank}. Raise lora.max_rank and start it again",
        ),
        (
            manifest.base_sha256 != deployment.base_sha256,
            f"it changes the base model {manifest.base_sha256[:12]}, the server's adapters need "
            f"{deployment.base_sha256[:12] or 'no base that is known: set lora.base_sha256'}",
        ),
        (bool(unknown), f"it changes the modules {', '.join(unknown)}, which the server does not adapt"),
        (bool(shape.modules_to_save), "it brings whole modules, which vLLM does not load"),
        (shape.bias != "none", "it trains biases, which vLLM does not load"),
        (shape.auto_map is not None, "its configuration names code to run"),
    ]
    for wrong, reason in reasons:
        if wrong:
            raise AdapterRefused(f"The adapter {folder.name!r} cannot be served: {reason}.")
    return shape


def _plain_files(folder: Path) -> None:
    if folder.is_symlink() or not folder.is_dir():
        raise AdapterRefused(f"The adapter {folder.name!r} is not a folder of its own. Publish it again.")
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise AdapterRefused(f"The adapter {folder.name!r} holds {path.name[:80]!r}, which is no plain file.")
        if path.suffix not in KINDS:
            raise AdapterRefused(f"The adapter {folder.name!r} holds {path.name[:80]!r}; only safetensors are loaded.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise AdapterRefused(f"{path.name[:80]!r} of the adapter {folder.name!r} is larger than 4 GiB.")
