"""Whether an adapter can be served by a deployment, found out before vLLM opens a file of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.adaptation.adapter import CONFIG, WEIGHTS, open_adapter, read_safetensors
from assistant.adaptation.errors import AdapterError
from assistant.models.errors import AdapterRefused
from assistant.models.vllm.deployment import EMBEDDED, Deployment
from assistant.models.vllm.tensors import EMBEDDED_CONFIG, Base, Lora, base_of, problem

KINDS = frozenset({".safetensors", ".json", ".yaml", ".md"})  # nothing that is run or unpickled when it is loaded
MAX_FILE_BYTES = 4 * 1024**3


class Shape(BaseModel):
    """The part of peft's configuration that decides whether vLLM can serve an adapter."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    r: int
    lora_alpha: float
    target_modules: tuple[str, ...] | str
    bias: str = "none"
    use_rslora: bool = False
    modules_to_save: tuple[str, ...] | None = None
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}
    auto_map: object = None

    @property
    def lora(self) -> Lora:
        """Return what it says of each matrix."""
        targets = frozenset(self.target_modules)
        return Lora(self.r, self.lora_alpha, self.use_rslora, self.rank_pattern, self.alpha_pattern, targets)


def check(folder: Path, deployment: Deployment) -> Shape:
    """Return the shape of the adapter in `folder`; raises AdapterRefused with the reason when it must not be loaded."""
    if deployment.lora is None:
        raise AdapterRefused("This server was started without adapters. Add `lora` to its deployment, start it again.")
    _plain_files(folder)
    try:
        manifest = open_adapter(folder).manifest  # first: it holds every file against its hash
        shape = Shape.model_validate(json.loads((folder / CONFIG).read_bytes()))
        tensors = read_safetensors(folder / WEIGHTS)
    except (AdapterError, ValueError, OSError) as exc:
        raise AdapterRefused(f"The adapter {folder.name!r} is damaged: {_said(exc)}") from exc
    if isinstance(shape.target_modules, str):
        raise AdapterRefused(
            f"The adapter {folder.name!r} cannot be served: its target_modules is {shape.target_modules[:40]!r}; "
            "expected a list of modules, such as q_proj and v_proj."
        )
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
    if found := problem(tensors, shape.lora, _base(deployment.model)):
        raise AdapterRefused(f"The adapter {folder.name!r} cannot be served: its tensor {found}.")
    return shape


def _base(model: str) -> Base | None:
    """Return the base model's matrices; None when they cannot be known here, as of a model that has a hub's name."""
    if model == EMBEDDED:
        return base_of(EMBEDDED_CONFIG)
    try:
        config = json.loads((Path(model).expanduser() / "config.json").read_bytes())
    except (OSError, ValueError):
        return None
    return base_of(config) if isinstance(config, dict) else None


def _said(exc: Exception) -> str:
    """Return one sentence; pydantic's own has several lines and a link."""
    invalid = exc if isinstance(exc, ValidationError) else exc.__cause__
    if not isinstance(invalid, ValidationError):
        return str(exc)
    first = invalid.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    return f"{where} of its {invalid.title} cannot be used: {first['msg']}. Export or copy it again."


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
