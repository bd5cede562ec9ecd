"""The adapters that may be loaded: those that ship and those that were published here, by name. Nothing else."""

from __future__ import annotations

from pathlib import Path

from assistant.adaptation import publish
from assistant.adaptation.adapter import MANIFEST, SHIPPED
from assistant.adaptation.errors import AdapterError
from assistant.models.errors import AdapterRefused


def offered(data_dir: Path) -> dict[str, Path]:
    """Return name -> folder of every adapter on offer: shipped ones, then published ones in order of time.

    A published adapter's name carries the beginning of its hash, so that two versions can be served side by side.
    Raises AdapterRefused when the registry of the data folder is damaged.
    """
    found = {path.parent.name: path.parent for path in sorted(SHIPPED.glob(f"*/{MANIFEST}"))}
    try:
        history = publish.read(data_dir).history
    except AdapterError as exc:
        raise AdapterRefused(str(exc)) from exc
    return found | {entry.folder: data_dir / "adapters" / entry.folder for entry in history if entry.folder}


def folder_of(data_dir: Path, name: str) -> Path:
    """Return the folder of an adapter. Raises AdapterRefused for a name that is not on offer: no path is ever taken."""
    known = offered(data_dir)
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise AdapterRefused(f"There is no adapter {name[:80]!r} in the registry. Publish it first. On offer: {names}.")
    return known[name]
