"""Which adapter the local engine serves: one small file, switched atomically, with its history for going back.

The file is `adapters.json` in the data folder; published adapters are copied to `adapters/<name>-<hash>` beside it, so
that a source folder may go. Whoever serves the model reads `active` and takes the change over without a restart.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.adaptation.adapter import MANIFEST, SHIPPED, Adapter, open_adapter, sha256
from assistant.adaptation.errors import AdapterError, AdapterMismatch

REGISTRY = "adapters.json"
DEFAULT = SHIPPED / "grounded-answer"


class Published(BaseModel):
    """One adapter that was made active."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    folder: str  # below `adapters` in the data folder; empty for the adapter that ships
    manifest_sha256: str
    at: float  # epoch seconds


class Registry(BaseModel):
    """Adapters in the order in which they were made active; the last one is active. Empty: the one that ships."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    history: tuple[Published, ...] = ()


def read(data_dir: Path) -> Registry:
    """Return the registry of a data folder; an absent file is an empty registry.

    Raises AdapterError when the file is damaged.
    """
    path = data_dir / REGISTRY
    try:
        return Registry.model_validate_json(path.read_bytes()) if path.exists() else Registry()
    except (OSError, ValidationError) as exc:
        raise AdapterError(
            f"The adapter registry {str(path)!r} is damaged: {exc}. Restore it from a backup, or delete it to use the "
            "adapter that ships."
        ) from exc


def active(data_dir: Path) -> Path | None:
    """Return the folder of the adapter to serve: the published one, else the one that ships, else None."""
    history = read(data_dir).history
    if history and history[-1].folder:
        return data_dir / "adapters" / history[-1].folder
    return DEFAULT if (DEFAULT / MANIFEST).exists() else None


def publish(data_dir: Path, folder: Path, base_sha256: str) -> Published:
    """Copy the adapter in `folder` and make it active; return its entry.

    The copy is checked before the switch, so a damaged or foreign adapter (AdapterError, AdapterMismatch) leaves the
    live one as it is.
    """
    adapter = _checked(folder, base_sha256)
    digest = sha256(folder / MANIFEST)
    name = f"{adapter.manifest.name}-{digest[:12]}"
    target = data_dir / "adapters" / name
    if not target.exists():
        _copy(folder, target)
    open_adapter(target)
    entry = Published(name=adapter.manifest.name, folder=name, manifest_sha256=digest, at=time.time())
    _write(data_dir, Registry(history=(*read(data_dir).history, entry)))
    return entry


def rollback(data_dir: Path) -> Published | None:
    """Make the adapter before the active one active again; return its entry, or None for the one that ships.

    Raises AdapterError when nothing was published, or when the earlier adapter is damaged.
    """
    history = read(data_dir).history
    if not history:
        raise AdapterError("No adapter was published here, so there is nothing to go back from. Publish one first.")
    earlier = history[:-1]
    if earlier and earlier[-1].folder:
        open_adapter(data_dir / "adapters" / earlier[-1].folder)
    _write(data_dir, Registry(history=earlier))
    return earlier[-1] if earlier else None


def _checked(folder: Path, base_sha256: str) -> Adapter:
    adapter = open_adapter(folder)
    if adapter.manifest.base_sha256 != base_sha256:
        raise AdapterMismatch(
            f"The adapter {adapter.manifest.name!r} belongs to {adapter.manifest.base_model!r} "
            f"({adapter.manifest.base_sha256[:12]}), the local engine serves {base_sha256[:12]}. Train it again."
        )
    return adapter


def _copy(folder: Path, target: Path) -> None:
    partial = target.with_suffix(".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(folder, partial)
        partial.replace(target)
    except (OSError, shutil.Error) as exc:
        shutil.rmtree(partial, ignore_errors=True)
        raise AdapterError(
            f"Cannot copy the adapter to {str(target)!r}: {exc}. Free some space and try again."
        ) from exc


def _write(data_dir: Path, registry: Registry) -> None:
    path = data_dir / REGISTRY
    partial = path.with_suffix(".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(registry.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as exc:
        partial.unlink(missing_ok=True)
        raise AdapterError(f"Cannot write {str(path)!r}: {exc.strerror}. Free some space and try again.") from exc
