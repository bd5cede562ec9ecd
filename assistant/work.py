"""The ingestion worker as a process: python -m assistant.work --data-dir DIR; ends cleanly on SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from sqlalchemy import Engine

from assistant import heap, lean  # noqa: F401 - lean is imported for what it does
from assistant.errors import AssistantError
from assistant.logs import configure
from assistant.settings import load
from assistant.storage import database, files
from assistant.widgets import retention
from ingest.worker import run
from knowledge.embed import open_embedder
from knowledge.reindex import keep
from knowledge.serving import AbsentEmbedder, live_embedder
from knowledge.types import Embedder


def main(arguments: list[str] | None = None) -> int:
    """Work on the queue until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="assistant worker", description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    given = parser.parse_args(arguments)
    heap.keep_small()
    heap.search_seldom()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = load(data_dir=given.data_dir)
        configure(settings.log_level)
        engine, wanted = database(settings), open_embedder(settings.knowledge)
        # Looked up here, because nobody would notice a thread that fails as it starts.
        live = _before(engine, wanted)
        keeper = threading.Thread(target=keep, args=(engine, wanted, live, stop), name="embedding-model")
        sweeper = threading.Thread(target=retention.keep, args=(engine, stop), name="transcripts")
        keeper.start()
        sweeper.start()
        try:
            run(engine, files(settings), wanted, settings.ingest, stop)
        finally:
            stop.set()
            keeper.join()
            sweeper.join()
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _before(engine: Engine, wanted: Embedder) -> Embedder | None:
    """Return the embedder that searches use until stored chunks are brought to `wanted`; None if it is gone."""
    live = live_embedder(engine, wanted)
    return None if isinstance(live, AbsentEmbedder) else live


if __name__ == "__main__":
    sys.exit(main())
