"""The plan of the local engine, made in a process of its own: merging an adapter takes half a gigabyte for ten seconds,
which the server would never give back to the system. What was planned is kept, so that the next start asks nobody.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel, ValidationError

from assistant.adaptation import publish
from assistant.models.errors import WeightsInvalid
from assistant.models.settings import ModelSettings
from assistant.models.supervise import EngineSpec

log = logging.getLogger(__name__)

KEPT = Path("run") / "engine-plan.json"
REFUSED = 3  # exit status: the last line on standard error is the sentence for people
# What a plan depends on; keys of other servers stay in this process.
NEEDED = {"model", "quantisation", "context_tokens", "engine_running", "engine_waiting", "engine_speculate"}


class Made(BaseModel):
    """A plan, and the files that it rests on: program, base model, adapter and weights."""

    spec: EngineSpec
    rests_on: list[Path]


class Kept(BaseModel):
    """A plan of an earlier start; it holds as long as it is asked for the same and no file changed."""

    asked: str
    spec: EngineSpec
    seen: dict[Path, tuple[int, int, int] | None]  # size and times of change in ns; None: there was no such file


def prepare(data_dir: Path, settings: ModelSettings) -> EngineSpec:
    """Return what `plan` returns, and raise what it raises; nothing of what it needs stays in this process."""
    asked = settings.model_dump_json(include=NEEDED)
    kept = _kept(data_dir / KEPT)
    if kept is not None and kept.asked == asked and all(_seen(path) == was for path, was in kept.seen.items()):
        return kept.spec
    made = _made(data_dir, asked)
    _keep(data_dir / KEPT, Kept(asked=asked, spec=made.spec, seen={path: _seen(path) for path in made.rests_on}))
    return made.spec


def _made(data_dir: Path, asked: str) -> Made:
    command = [sys.executable, "-m", "assistant.models.plan", str(data_dir)]
    done = subprocess.run(command, input=asked.encode(), capture_output=True, check=False)
    said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    if done.returncode == REFUSED:
        raise WeightsInvalid(said)
    try:
        return Made.model_validate_json(done.stdout)
    except ValidationError as exc:
        raise WeightsInvalid(
            f"The weights could not be prepared: the process that does it ended with status {done.returncode} "
            f"({said}). Look whether memory or disk space ran out."
        ) from exc


def _kept(file: Path) -> Kept | None:
    try:
        return Kept.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None  # none, or torn: it is made anew


def _keep(file: Path, kept: Kept) -> None:
    partial = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(kept.model_dump_json(), "utf-8")
        partial.replace(file)
    except OSError as error:  # a full disk costs the next start some seconds, and this one nothing
        log.warning("the plan of the engine cannot be kept: %s", error.strerror)
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _seen(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def fingerprint(data_dir: Path) -> tuple[int, ...]:
    """Return a value that changes when the plan may have; cheap enough to ask every second."""
    registry = data_dir / publish.REGISTRY
    try:
        status = registry.stat()
    except FileNotFoundError:
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino)
