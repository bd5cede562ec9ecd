"""Base GGUF + LoRA -> the weights that an engine serves, with numpy alone: dequantise, add B @ A, quantise again.

All 4-bit matrices become `quantisation`, those that the adapter does not touch too: OpenVINO rounds the minimum of
a Q4_1 block, which changes answers. Everything else is copied. The result is cached under the hash of everything that
goes into it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from assistant.adaptation.adapter import WEIGHTS, Adapter, open_adapter, read_safetensors, sha256
from assistant.adaptation.errors import AdapterError, AdapterMismatch

FORMAT = 2  # part of the cache key: raise it when the same input would give other weights
QUANTISATIONS = {
    "F16": gguf.GGMLQuantizationType.F16,
    "Q8_0": gguf.GGMLQuantizationType.Q8_0,
    "Q4_0": gguf.GGMLQuantizationType.Q4_0,
    "Q4_1": gguf.GGMLQuantizationType.Q4_1,
}
_FILE_TYPES = {
    "F16": gguf.LlamaFileType.MOSTLY_F16,
    "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "Q4_0": gguf.LlamaFileType.MOSTLY_Q4_0,
    "Q4_1": gguf.LlamaFileType.MOSTLY_Q4_1,
}
_COARSE = (gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q4_1)
_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LORA = re.compile(r"\.layers\.(\d+)\.(\w+\.\w+)\.lora_A\.(?:default\.)?weight$")


def materialise(base_gguf: Path, adapter_dir: Path, cache_dir: Path, quantisation: str) -> Path:
    """Return the GGUF file of base model and adapter together, made if it is not in `cache_dir` yet (about 10 s).

    `quantisation` is F16, Q8_0, Q4_0 or Q4_1.
    Raises AdapterMismatch when the adapter belongs to another base model, AdapterError when the folder is damaged, the
    quantisation unknown or the file cannot be written.
    """
    if quantisation not in QUANTISATIONS:
        raise AdapterError(f"Unknown quantisation {quantisation!r}. Use one of {', '.join(QUANTISATIONS)}.")
    adapter = open_adapter(adapter_dir)
    if (found := sha256(base_gguf)) != adapter.manifest.base_sha256:
        raise AdapterMismatch(
            f"The adapter {adapter.manifest.name!r} belongs to {adapter.manifest.base_model!r} "
            f"({adapter.manifest.base_sha256[:12]}) but {base_gguf.name!r} is {found[:12]}. Use that model."
        )
    config = adapter.config.model_dump_json()
    key = f"{FORMAT} {found} {sha256(adapter_dir / WEIGHTS)} {config} {quantisation}"
    name = f"{adapter.manifest.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.{quantisation}.gguf"
    target = cache_dir / name
    if not target.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        _write(base_gguf, adapter, quantisation, target)
    return target


def _write(base_gguf: Path, adapter: Adapter, quantisation: str, target: Path) -> None:
    partial = target.with_suffix(".partial")
    reader = gguf.GGUFReader(base_gguf)
    try:
        writer = gguf.GGUFWriter(partial, arch=str(reader.fields["general.architecture"].contents()))
        _copy_metadata(reader, writer, quantisation)
        for tensor, data, kind in _merged(reader, adapter, quantisation):
            writer.add_tensor(tensor.name, data, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        partial.replace(target)
    except OSError as exc:
        partial.unlink(missing_ok=True)
        raise AdapterError(
            f"Cannot write the served weights to {str(target)!r}: {exc.strerror or exc}. Free some space."
        ) from exc


def _copy_metadata(reader: gguf.GGUFReader, writer: gguf.GGUFWriter, quantisation: str) -> None:
    own = {"general.architecture", "general.file_type"}
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in own:
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)
    writer.add_file_type(_FILE_TYPES[quantisation])


def _merged(
    reader: gguf.GGUFReader, adapter: Adapter, quantisation: str
) -> Iterator[tuple[gguf.ReaderTensor, NDArray[np.generic], gguf.GGMLQuantizationType]]:
    """Yield every tensor with the data and type to write, in the file's order."""
    heads = {
        "attn_q": int(reader.fields["llama.attention.head_count"].contents()),
        "attn_k": int(reader.fields["llama.attention.head_count_kv"].contents()),
    }
    changes = deltas(adapter, heads)
    kind = QUANTISATIONS[quantisation]
    for tensor in reader.tensors:
        delta = changes.pop(tensor.name, None)
        if delta is None and tensor.tensor_type not in _COARSE:
            yield tensor, tensor.data, tensor.tensor_type
            continue
        weight = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if delta is None:
            delta = np.zeros_like(weight)
        if weight.shape != delta.shape:
            raise AdapterError(
                f"The adapter changes {tensor.name!r} as {delta.shape}, the model has {weight.shape}. Train again."
            )
        yield tensor, gguf.quants.quantize(weight + delta, kind), kind
    if changes:
        raise AdapterError(
            f"The adapter changes {', '.join(sorted(changes))}, which the base model lacks. Train again."
        )


def deltas(adapter: Adapter, heads: dict[str, int]) -> dict[str, NDArray[np.float32]]:
    """Return what the adapter adds, by GGUF tensor name, (rows out, columns in); `heads` of attn_q and attn_k."""
    weights = read_safetensors(adapter.folder / WEIGHTS)
    found: dict[str, NDArray[np.float32]] = {}
    for name, down in weights.items():
        place = _LORA.search(name)
        if not place:
            continue
        if place[2] not in _NAMES:
            raise AdapterError(f"The adapter changes {place[2]!r}, which cannot be merged. Leave it out of `modules`.")
        up = weights[name.replace("lora_A", "lora_B")]
        short = _NAMES[place[2]]
        delta = (up @ down) * np.float32(adapter.config.scaling)
        found[f"blk.{place[1]}.{short}.weight"] = permuted(delta, heads[short]) if short in heads else delta
    if 2 * len(found) != len(weights):
        raise AdapterError(
            f"The adapter in {str(adapter.folder)!r} holds tensors that are not LoRA pairs. Train a plain LoRA."
        )
    return found


def permuted(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Return the rows of a query or key matrix in the order that GGUF keeps for rotary embeddings.

    Hugging Face rotates halves of a head, GGUF neighbouring rows: row pair (i, i + half) becomes (2i, 2i + 1).
    """
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
