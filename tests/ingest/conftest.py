"""A collection, a file store, small limits, and a worker that runs until the queue is empty."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ingest import jobs, worker
from ingest.accept import Upload, accept_upload
from ingest.chunk import Chunker
from ingest.files import FileStore
from ingest.sandbox import Sandbox
from ingest.settings import IngestSettings
from ingest.tokens import TokenCounter
from ingest.types import Accepted
from knowledge import chunks, collections, documents
from knowledge.embed import HashEmbedder
from knowledge.types import Chunk, Collection, Document, Embedder, Scope

ADMIN = Scope(frozenset({"everyone"}), sees_all=True)
QUICK = IngestSettings(poll_s=0.02, beat_s=0.2, reserve_bytes=0, readers=1)
HASH = HashEmbedder()

Put = Callable[..., Accepted]
Work = Callable[..., None]
Shared = Callable[[IngestSettings], Sandbox]


@pytest.fixture(scope="session")
def counter() -> TokenCounter:
    return TokenCounter()


@pytest.fixture(scope="session")
def chunker(counter: TokenCounter) -> Chunker:
    return Chunker(QUICK, counter)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


@pytest.fixture
def handbook(engine: Engine) -> Collection:
    return collections.create(engine, "Handbook", "", ["everyone"])


@pytest.fixture
def put(engine: Engine, store: FileStore, handbook: Collection) -> Put:
    """A function that uploads bytes under a path."""

    def upload(path: str, body: bytes, readers: tuple[str, ...] = (), settings: IngestSettings = QUICK) -> Accepted:
        return accept_upload(engine, store, settings, Upload(handbook.id, path, readers, "user:admin"), [body])

    return upload


@pytest.fixture
def work(engine: Engine, store: FileStore, shared: Shared) -> Work:
    """A function that runs a worker in this process until nothing is queued or running."""

    def until_done(seconds: float = 60.0, settings: IngestSettings = QUICK, embedder: Embedder = HASH) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=worker.run, args=(engine, store, embedder, settings, stop, shared))
        thread.start()
        try:
            wait_until(lambda: not {"queued", "running"} & jobs.counts(engine).keys(), seconds)
        finally:
            stop.set()
            thread.join()

    return until_done


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(QUICK)
    yield made
    made.close()


@pytest.fixture
def shared(sandbox: Sandbox) -> Shared:
    """What gives a worker the reading process of all tests, when its limits are the usual ones: a start takes long."""

    class Kept(Sandbox):
        read = sandbox.read  # type: ignore[assignment]

    return lambda settings: Kept(settings) if settings.limits == QUICK.limits else Sandbox(settings)


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    """Return as soon as `holds()`, fail after `seconds`."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"it did not come true within {seconds} s"
        time.sleep(0.02)


def everything(engine: Engine) -> dict[str, Document]:
    """Return all documents by path."""
    return {document.path: document for document in documents.page(engine, ADMIN, limit=10_000)[0]}


def chunks_of(engine: Engine, document: Document) -> list[Chunk]:
    """Return all chunks of a document."""
    return chunks.page(engine, ADMIN, document.id, 0, 100_000)[0]
