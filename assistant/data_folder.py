"""The data folder: everything that an installation on one machine keeps lies in it."""

from __future__ import annotations

import os
from pathlib import Path

from assistant.errors import DataFolderRefused


def make_writable(data_dir: Path) -> None:
    """Make the data folder with those for logs and running processes; nothing happens where they are there.

    Raises DataFolderRefused when nothing can be written there.
    """
    for folder in (data_dir, data_dir / "logs", data_dir / "run"):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # one that is there keeps the rights it has
        except OSError as error:
            raise _refused(data_dir, error.strerror) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _refused(data_dir, f"no right to write in {folder}")


def _refused(data_dir: Path, reason: str | None) -> DataFolderRefused:
    return DataFolderRefused(
        f"Cannot write to the data folder {data_dir} ({reason}). Let the user who runs the assistant write there, or "
        "choose another folder with --data-dir."
    )
