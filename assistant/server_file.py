"""`run/server.json`, by which commands on this machine find the server of a data folder; it holds no secret."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def announced(data_dir: Path, url: str) -> Iterator[None]:
    """Tell commands that this process serves `data_dir` at `url`, for as long as it does."""
    path = _path(data_dir)
    path.write_text(json.dumps({"url": url, "pid": os.getpid(), "started": _started(os.getpid())}), "utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_server(data_dir: Path) -> str | None:
    """Return the address of the server that holds `data_dir`; None when there is none or it died."""
    try:
        entry = json.loads(_path(data_dir).read_text("utf-8"))
        return str(entry["url"]) if _started(entry["pid"]) == entry["started"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(data_dir: Path) -> Path:
    return data_dir / "run" / "server.json"


def _started(pid: int) -> int:
    """Return when a process started, in clock ticks since the machine did (proc_pid_stat(5), field 22).

    With it a process that was given the same number later is another one. The time of day would not do: it is set
    while servers run, after a boot or when a virtual machine wakes up. Raises OSError when there is no such process.
    """
    after_name = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2]
    return int(after_name.split()[19])
