"""An ingestion worker as a program of its own, to be killed: arguments are the database's URL and the files' folder."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

from ingest import worker
from ingest.files import FileStore
from ingest.settings import IngestSettings
from knowledge.database import connect
from knowledge.embed import HashEmbedder
from knowledge.types import Vectors


class Slow(HashEmbedder):
    """Takes its time, so that kills meet documents in every stage."""

    def embed(self, texts: list[str]) -> Vectors:
        time.sleep(0.02 * len(texts))
        return super().embed(texts)


if __name__ == "__main__":
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    quick = IngestSettings(lease_s=3.0, beat_s=0.3, poll_s=0.05, reserve_bytes=0)
    worker.run(connect(sys.argv[1]), FileStore(Path(sys.argv[2])), Slow(), quick, stop)
