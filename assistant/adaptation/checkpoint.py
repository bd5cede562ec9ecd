"""Checkpoints from which a killed run goes on to the same weights, bit for bit on one machine and thread count."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import peft
import torch
from safetensors import SafetensorError

from assistant.adaptation.errors import CheckpointError


def save(state: Mapping[str, object], path: Path) -> None:
    """Write `state` beside `path` and switch, so that a reader sees the old file or the new one, never half of one.

    Raises CheckpointError when it cannot be written (a full disk, for one); the earlier checkpoint is still there.
    """
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as exc:
        partial.unlink(missing_ok=True)
        raise CheckpointError(
            f"Cannot write the checkpoint {str(path)!r}: {exc}. Free some space and start again; the last one is kept.",
            "checkpoint_unwritable",
        ) from exc


def keep(model: peft.PeftModel, folder: Path) -> None:
    """Write the adapter of `model` to `folder`, which then holds it whole; an earlier one stays until that is done.

    Raises CheckpointError when it cannot be written.
    """
    partial = folder.with_suffix(".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        model.save_pretrained(str(partial))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except (OSError, SafetensorError) as exc:
        shutil.rmtree(partial, ignore_errors=True)
        raise CheckpointError(
            f"Cannot write the best adapter so far to {str(folder)!r}: {exc}. Free some space and start again.",
            "checkpoint_unwritable",
        ) from exc


def load(path: Path, fingerprint: str) -> dict[str, Any] | None:
    """Return the state saved at `path`, or None when there is none.

    Raises CheckpointError when the file is torn, or was written by a run whose recipe or data differ.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as exc:
        raise CheckpointError(
            f"The checkpoint {str(path)!r} is torn. Delete it to start this run from the beginning.",
            "checkpoint_torn",
        ) from exc
    if not isinstance(state, dict) or state.get("fingerprint") != fingerprint:
        raise CheckpointError(
            f"The checkpoint {str(path)!r} belongs to another recipe or data set. Use another run folder.",
            "checkpoint_foreign",
        )
    return state
