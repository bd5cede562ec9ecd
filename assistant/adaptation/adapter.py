"""An adapter folder: LoRA weights, what they were trained on, and proof that nothing in it changed since.

    adapter_model.safetensors   weights, half precision, in peft's names (vLLM loads the folder as it is)
    adapter_config.json         peft's configuration
    recipe.yaml                 what it was made by
    card.md                     sources with licences, scores, limits
    manifest.json               hashes of base model, data and files, prompt version, scores

Nothing here needs torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.adaptation.errors import AdapterError

WEIGHTS, CONFIG, MANIFEST = "adapter_model.safetensors", "adapter_config.json", "manifest.json"
SHIPPED = Path(__file__).parent.parent / "adapters"


class Manifest(BaseModel):
    """What an adapter was made from and for; its file also proves the other files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    base_model: str
    base_sha256: str  # of the GGUF file that it changes
    data_sha256: str
    recipe_version: str
    prompt: str
    prompt_version: str
    quantisation: str  # of the served weights, as measured best
    scores: dict[str, dict[str, float]]  # test set -> metric -> mean
    files: dict[str, str]  # file name -> SHA-256


class LoraConfig(BaseModel):
    """The part of peft's configuration that merging needs."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    peft_type: str
    r: int
    lora_alpha: float
    use_rslora: bool = False
    use_dora: bool = False
    fan_in_fan_out: bool = False

    @property
    def scaling(self) -> float:
        """Return what B @ A is multiplied by."""
        return self.lora_alpha / (self.r**0.5 if self.use_rslora else self.r)


@dataclass(frozen=True, slots=True)
class Adapter:
    """A complete, unchanged adapter folder."""

    folder: Path
    manifest: Manifest
    config: LoraConfig


def open_adapter(folder: Path) -> Adapter:
    """Return the adapter in `folder` after checking every file against the manifest.

    Raises AdapterError when a file is missing, damaged or of a kind that cannot be merged.
    """
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        config = LoraConfig.model_validate_json((folder / CONFIG).read_bytes())
        changed = [name for name, digest in manifest.files.items() if sha256(folder / name) != digest]
    except (OSError, ValidationError) as exc:
        raise AdapterError(f"{str(folder)!r} is no complete adapter folder: {exc}. Export or copy it again.") from exc
    if changed:
        raise AdapterError(f"The adapter in {str(folder)!r} is damaged: {', '.join(changed)} changed. Copy it again.")
    if config.peft_type != "LORA" or config.use_dora or config.fan_in_fan_out:
        raise AdapterError(f"The adapter in {str(folder)!r} is not a plain LoRA, so it cannot be merged. Train a LoRA.")
    return Adapter(folder, manifest, config)


def write_manifest(folder: Path, manifest: Mapping[str, object]) -> Manifest:
    """Write manifest.json over the files that are in `folder` now, atomically, and return it."""
    files = {p.name: sha256(p) for p in sorted(folder.iterdir()) if p.is_file() and p.name != MANIFEST}
    complete = Manifest.model_validate({**manifest, "files": files})
    partial = folder / f"{MANIFEST}.partial"
    partial.write_text(complete.model_dump_json(indent=2) + "\n", "utf-8")
    partial.replace(folder / MANIFEST)
    return complete


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}


def read_safetensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of a safetensors file in single precision; raises AdapterError when it is torn or unusual."""
    try:
        content = path.read_bytes()
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size])
        return {name: _tensor(content, 8 + size, entry) for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise AdapterError(f"Cannot read the weights in {str(path)!r}: {exc}. Copy or export them again.") from exc


class _Entry(TypedDict):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def _tensor(content: bytes, origin: int, entry: _Entry) -> NDArray[np.float32]:
    start, end = entry["data_offsets"]
    raw: NDArray[Any] = np.frombuffer(content[origin + start : origin + end], _DTYPES[entry["dtype"]])
    if entry["dtype"] == "BF16":  # the upper half of a single-precision number
        raw = (raw.astype(np.uint32) << 16).view(np.float32)
    tensor: NDArray[np.float32] = raw.astype(np.float32).reshape(entry["shape"])
    return tensor
