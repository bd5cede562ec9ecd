"""A trained run becomes an adapter folder: half precision, no paths of the machine, a card and a manifest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.adaptation.adapter import CONFIG, WEIGHTS, Manifest, read_safetensors, write_manifest
from assistant.adaptation.recipe import Recipe

# What vLLM and peft read; the rest of peft's configuration is its defaults, or paths of the machine it was made on.
_KEPT = (
    "peft_type", "task_type", "r", "lora_alpha", "target_modules", "layers_to_transform", "bias", "fan_in_fan_out",
    "use_rslora", "use_dora", "lora_dropout", "inference_mode", "init_lora_weights",
)  # fmt: skip


def assemble(
    trained: Path, target: Path, recipe: Recipe, recipe_file: Path, card: str, facts: Mapping[str, object]
) -> Manifest:
    """Write the adapter folder `target` from peft's folder `trained` and return its manifest.

    `facts` are the manifest's data_sha256, prompt_version, quantisation and scores. The folder appears complete or not
    at all.
    """
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    weights = {name: value.astype(np.float16) for name, value in read_safetensors(trained / WEIGHTS).items()}
    (partial / WEIGHTS).write_bytes(safetensors(weights))
    config = json.loads((trained / CONFIG).read_text("utf-8"))
    kept = {key: config[key] for key in _KEPT if key in config}
    kept |= {"base_model_name_or_path": recipe.base_model, "target_modules": sorted(config["target_modules"])}
    (partial / CONFIG).write_text(json.dumps(kept, indent=2) + "\n", "utf-8")
    shutil.copyfile(recipe_file, partial / "recipe.yaml")
    (partial / "card.md").write_text(card, "utf-8")
    identity = {"name": recipe.name, "base_model": recipe.base_model, "base_sha256": recipe.base_sha256}
    identity |= {"recipe_version": recipe.version, "prompt": recipe.prompt}
    manifest = write_manifest(partial, {**identity, **facts})
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return manifest


def safetensors(tensors: Mapping[str, NDArray[np.float16]]) -> bytes:
    """Return half-precision tensors in the safetensors format, names in order."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name in sorted(tensors):
        data = np.ascontiguousarray(tensors[name], "<f2").tobytes()
        header[name] = {
            "dtype": "F16",
            "shape": list(tensors[name].shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)  # the format asks for data that begins at a multiple of 8
    return len(head).to_bytes(8, "little") + head + body
