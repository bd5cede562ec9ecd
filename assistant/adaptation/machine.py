"""What a run ran on, so that its figures can be read later."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_LIBRARIES = ("torch", "transformers", "peft", "tokenizers", "numpy", "gguf", "openvino-genai")


def facts() -> dict[str, str]:
    """Return versions, processor count and the commit of the source tree ("" outside of one)."""
    found = {"python": platform.python_version(), "cores": str(len(os.sched_getaffinity(0))), "commit": commit()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = ""
    return found


def commit() -> str:
    """Return the commit that this file belongs to, or "" when git or the repository is not there."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
