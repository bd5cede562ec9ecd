"""The ingestion worker as a process: python -m assistant.work --data-dir DIR; ends cleanly on SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from assistant.errors import AssistantError
from assistant.logs import configure
from assistant.settings import load
from assistant.storage import database, files
from ingest.worker import run
from knowledge.embed import open_embedder


def main(arguments: list[str] | None = None) -> int:
    """Work on the queue until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="assistant worker", description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    given = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = load(data_dir=given.data_dir)
        configure(settings.log_level)
        run(database(settings), files(settings), open_embedder(settings.knowledge), settings.ingest, stop)
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
