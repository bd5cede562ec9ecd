"""The API server as a process: python -m assistant.serve --data-dir DIR [--host H] [--port P]; 0 picks a free port."""

from __future__ import annotations

import argparse
import fcntl
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from assistant import heap, lean  # noqa: F401 - lean is imported for what it does
from assistant.data_folder import make_writable
from assistant.errors import AssistantError
from assistant.listen import bind
from assistant.logs import configure
from assistant.models.engines import LocalEngines
from assistant.models.preparing import fingerprint, prepare
from assistant.settings import Settings, load


class FolderInUse(AssistantError):
    """Another server owns the data folder."""


@contextmanager
def owned(data_dir: Path) -> Iterator[None]:
    """Hold the data folder's server lock; raises FolderInUse when another process has it, DataFolderRefused."""
    make_writable(data_dir)
    with (data_dir / "run" / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUse(
                f"Another assistant already runs on {data_dir}. Stop it, or choose another folder with --data-dir."
            ) from error
        yield


@contextmanager
def begun(settings: Settings) -> Iterator[LocalEngines | None]:
    """Begin with the local engine, the slowest to be ready and a process of its own; end it whatever happens.

    Yields None where another server takes its place.
    """
    if settings.models.url:
        yield None
        return
    engines = LocalEngines(
        settings.data_dir / "run",
        settings.data_dir / "logs" / "engine.log",
        partial(prepare, settings.data_dir, settings.models),
        partial(fingerprint, settings.data_dir),
    )
    engines.begin()
    try:
        yield engines
    finally:
        engines.end()


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="assistant serve", description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--host", default=None)
    parser.add_argument("--port", type=int, default=None)
    given = parser.parse_args(arguments)
    heap.keep_small()
    heap.search_seldom()
    try:
        settings = load(data_dir=given.data_dir)
        configure(settings.log_level)
        host = given.host or settings.host
        with owned(settings.data_dir):
            listener = bind(host, settings.port if given.port is None else given.port)
            with begun(settings) as engines:
                # Four seconds of imports, in which the engine loads.
                importlib.import_module("assistant.serving").run(settings, engines, listener)
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
