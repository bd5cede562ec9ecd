"""The plan of the local engine, made in a process of its own: merging an adapter takes half a gigabyte for ten seconds,
which the server would never give back to the system.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from assistant.adaptation import publish
from assistant.models.errors import WeightsInvalid
from assistant.models.settings import ModelSettings
from assistant.models.supervise import EngineSpec

SPEC = TypeAdapter(EngineSpec)
REFUSED = 3  # exit status: the last line on standard error is the sentence for people
# What a plan depends on; keys of other servers stay in this process.
NEEDED = {"model", "quantisation", "context_tokens", "engine_running", "engine_waiting", "engine_speculate"}


def prepare(data_dir: Path, settings: ModelSettings) -> EngineSpec:
    """Return what `plan` returns, and raise what it raises; nothing of what it needs stays in this process."""
    command = [sys.executable, "-m", "assistant.models.plan", str(data_dir)]
    asked = settings.model_dump_json(include=NEEDED).encode()
    done = subprocess.run(command, input=asked, capture_output=True, check=False)
    said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    if done.returncode == REFUSED:
        raise WeightsInvalid(said)
    try:
        return SPEC.validate_json(done.stdout)
    except ValidationError as exc:
        raise WeightsInvalid(
            f"The weights could not be prepared: the process that does it ended with status {done.returncode} "
            f"({said}). Look whether memory or disk space ran out."
        ) from exc


def fingerprint(data_dir: Path) -> tuple[int, ...]:
    """Return a value that changes when the plan may have; cheap enough to ask every second."""
    registry = data_dir / publish.REGISTRY
    try:
        status = registry.stat()
    except FileNotFoundError:
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino)
