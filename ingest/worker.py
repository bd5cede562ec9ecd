"""The ingestion worker: claims documents, has them read, embeds their chunks and stores all of it in one commit.

Reading and embedding go on at the same time, over several documents, because embedding is by far the longest and its
cores must never wait. Several workers may share one database, also SQLite.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ingest import jobs
from ingest.accept import Upload, accept_stored
from ingest.bench import Batch, Bench, InHand
from ingest.errors import DocumentRefused, ReaderCrashed, StorageFull
from ingest.files import FileStore
from ingest.jobs import Job
from ingest.order import Served
from ingest.rates import Rates
from ingest.sandbox import ReadingCancelled, Sandbox, Watcher
from ingest.settings import IngestSettings
from knowledge import chunks, documents
from knowledge.database import reading
from knowledge.embed import passage_text
from knowledge.errors import EmbedderUnavailable, InvalidValue, LeaseLost
from knowledge.tables import documents as documents_table
from knowledge.types import Embedder, Scope

_BATCH_CHUNKS = 48  # per embedding thread; two threads keep the embedder's cores busy between batches
_EMBEDDING_THREADS = 2
_FORECAST_S = 10.0
_SWEEP_S = 3600.0
_TROUBLE_S = 2.0  # before trying again what the database or the embedder refused
_IDLE_S = 60.0  # after which an unused reading process is ended
# How a database that does not answer now shows itself; the last one: a transaction had to wait too long for another.
_AWAY = (OperationalError, PoolTimeout, TimeoutError)
_EVERYTHING = Scope(frozenset(), sees_all=True)
_log = structlog.get_logger(__name__)


def run(
    engine: Engine,
    store: FileStore,
    embedder: Embedder,
    settings: IngestSettings,
    stop: threading.Event,
    sandbox: Callable[[IngestSettings], Sandbox] = Sandbox,
) -> None:
    """Work on what `engine` queues and `store` holds until `stop` is set, then put unfinished documents back.

    A document's fault never ends this; what does (a bug, a broken disk) is raised after the others were put back.
    `sandbox` makes the reading process of each reader.
    """
    _Worker(engine, store, embedder, settings, sandbox).run(stop)


class _Worker:
    def __init__(
        self,
        engine: Engine,
        store: FileStore,
        embedder: Embedder,
        settings: IngestSettings,
        sandbox: Callable[[IngestSettings], Sandbox],
    ) -> None:
        self._sandbox = sandbox
        self._engine = engine
        self._store = store
        self._embedder = embedder
        self._settings = settings
        self._name = jobs.worker_name()
        self._claiming = threading.Lock()
        self._served = Served()  # lost when the worker ends, which costs somebody one turn
        self._rates = Rates()
        self._bench = Bench(settings.pending_chunks, self._rates)
        self._stop = threading.Event()
        self._failure: BaseException | None = None

    def run(self, stop: threading.Event) -> None:
        freed = jobs.free_the_dead(self._engine)
        _log.info("worker_started", worker=self._name, freed=freed)
        loops: list[Callable[[], None]] = [self._embed_loop] * _EMBEDDING_THREADS
        loops += [partial(self._read_loop, place) for place in range(self._settings.readers)]
        threads = [self._start(loop) for loop in loops]
        beating = self._start(self._beat_loop)
        try:
            self._watch(stop)
        finally:
            self._stop.set()
            self._bench.close()
            for thread in threads:
                thread.join()
            for held in self._bench.everything():
                self._finish(held, partial(jobs.release, self._engine, held.job))
            beating.join()
        if self._failure is not None:
            raise self._failure

    def _watch(self, stop: threading.Event) -> None:
        swept = time.monotonic()
        while not stop.wait(0.2) and not self._stop.is_set():
            if time.monotonic() - swept > _SWEEP_S:
                self._sweep()
                swept = time.monotonic()

    def _start(self, loop: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                loop()
            except BaseException as exc:  # noqa: BLE001  `run` raises it again, in the caller's thread
                self._failure = self._failure or exc
                self._stop.set()

        thread = threading.Thread(target=guarded)
        thread.start()
        return thread

    # Reading

    def _read_loop(self, place: int) -> None:
        sandbox = self._sandbox(self._settings)
        used = time.monotonic()
        try:
            while not self._stop.is_set():
                job = self._claim(place)
                if job is not None:
                    self._read(sandbox, self._bench.take(job))
                    used = time.monotonic()
                elif time.monotonic() - used > _IDLE_S:
                    sandbox.close()
        finally:
            sandbox.close()

    def _claim(self, place: int) -> Job | None:
        if not self._bench.wait_for_room(place, self._settings.poll_s):
            return None
        try:
            with self._claiming:
                job = jobs.claim(self._engine, self._name, self._settings.lease_s, self._served)
                if job is not None:
                    self._served = self._served.then(job.uploaded_by, job.is_attached)
        except _AWAY as exc:
            _log.warning("database_trouble", error=_why(exc))
            self._stop.wait(_TROUBLE_S)
            return None
        if job is None:
            self._stop.wait(self._settings.poll_s)
        return job

    def _read(self, sandbox: Sandbox, held: InHand) -> None:
        job = held.job
        watcher = Watcher(
            progress=lambda stage, share: self._bench.note(held, stage, share),
            cancelled=lambda: self._stop.is_set() or held.verdict != "ours",
            attachment=lambda name, pieces: self._attach(job, name, pieces),
        )
        try:
            found = sandbox.read(self._store.path(job.sha256), job.path, job.media_type, watcher)
            self._bench.was_read(held, found, self._embedder.dimension)
            if not found.chunks:  # a mail of nothing but attachments
                self._save(held)
        except ReadingCancelled:
            self._let_go(held)
        except DocumentRefused as exc:
            self._finish(held, partial(jobs.fail, self._engine, job, exc.reason))
        except FileNotFoundError:
            self._finish(held, partial(jobs.fail, self._engine, job, "Its file is missing; upload it again."))
        except ReaderCrashed as exc:
            self._finish(held, partial(jobs.crashed, self._engine, job, str(exc)))
        except (StorageFull, *_AWAY) as exc:  # an attachment could not be stored
            _log.warning("storage_trouble", error=_why(exc))
            self._finish(held, partial(jobs.release, self._engine, job))
            self._stop.wait(_TROUBLE_S)

    def _attach(self, job: Job, name: str, pieces: Iterator[bytes]) -> None:
        """Queue an attachment as a document of its own; done before the mail is ready, so that none is ever lost."""
        stored = self._store.put_stream(pieces, self._settings.limits.inflated_bytes)
        owner = documents.get(self._engine, _EVERYTHING, job.document_id)
        if owner is None:
            return  # deleted meanwhile
        upload = Upload(job.collection_id, f"{job.path}/{name}", tuple(owner.readers), job.uploaded_by)
        accepted = accept_stored(self._engine, self._store, self._settings, upload, stored)
        for refusal in accepted.refused:
            _log.info("attachment_refused", document=job.document_id, code=refusal.code)

    # Embedding

    def _embed_loop(self) -> None:
        while not self._stop.is_set():
            batch = self._bench.next_batch(_BATCH_CHUNKS, self._settings.poll_s)
            if batch is None:
                continue
            for held in self._embed(batch):
                self._save(held)

    def _embed(self, batch: Batch) -> list[InHand]:
        started = time.monotonic()
        while not self._stop.is_set():
            try:
                vectors = self._embedder.embed(list(_texts(batch)))
            except EmbedderUnavailable as exc:
                _log.warning("embedder_unavailable", error=str(exc))
                self._stop.wait(_TROUBLE_S)
                continue
            self._rates.embedded(len(batch) * _EMBEDDING_THREADS, time.monotonic() - started)
            return self._bench.embedded(batch, vectors)
        return []

    def _save(self, held: InHand) -> None:
        found, vectors = held.reading, held.vectors
        assert found is not None and vectors is not None
        new = [one.chunk for one in found.chunks]
        while not self._stop.is_set():
            try:
                chunks.replace(
                    self._engine, held.job.document_id, held.job.lease, new, vectors, self._embedder.name, found.title
                )
                break
            except LeaseLost:
                self._let_go(held)
                return
            except InvalidValue as exc:
                self._finish(held, partial(jobs.fail, self._engine, held.job, str(exc)))
                return
            except _AWAY as exc:
                _log.warning("database_trouble", error=_why(exc))
                self._stop.wait(_TROUBLE_S)
        else:
            return  # still in hand, so that it is put back
        self._bench.drop(held)

    # Ending and living

    def _let_go(self, held: InHand) -> None:
        """Drop a document that is not ours any more, was cancelled, or was read while the worker stops."""
        if self._stop.is_set():
            return
        self._finish(held, partial(jobs.withdraw, self._engine, held.job))

    def _finish(self, held: InHand, end: Callable[[], None]) -> None:
        try:
            end()
        except _AWAY as exc:  # its lease will run out, and another try follows
            _log.warning("database_trouble", error=_why(exc))
        self._bench.drop(held)

    def _beat_loop(self) -> None:
        told = 0.0
        while not self._stop.is_set() or self._bench.everything():
            pulses = self._bench.pulses()
            try:
                verdicts = jobs.beat(self._engine, pulses, self._settings.lease_s) if pulses else {}
                for held in self._bench.judge(verdicts):
                    if held.reading is not None:  # else its reader notices
                        self._let_go(held)
                if time.monotonic() - told > _FORECAST_S:
                    self._forecast()
                    told = time.monotonic()
            except _AWAY as exc:
                _log.warning("database_trouble", error=_why(exc))
            if self._stop.wait(self._settings.beat_s):
                time.sleep(0.05)

    def _forecast(self) -> None:
        seconds = self._bench.backlog()
        expected: dict[str, float] = {}
        for one in jobs.waiting(self._engine, self._served):
            seconds += self._rates.seconds_for(one.media_type, one.size)
            expected[one.document_id] = round(seconds, 1)
        jobs.forecast(self._engine, expected)

    def _sweep(self) -> None:
        """Delete files that no document names any more; what cannot be done now is done at the next time."""
        try:
            with reading(self._engine) as connection:
                keep = set(connection.execute(select(documents_table.c.sha256).distinct()).scalars())
            removed = self._store.sweep(keep)
        except (SQLAlchemyError, OSError) as exc:
            _log.warning("files_not_swept", error=_why(exc))
            return
        _log.info("files_swept", removed=removed)


def _why(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)  # SQLAlchemy's own text holds the statement's values


def _texts(batch: Batch) -> Iterator[str]:
    for held, start, end in batch.parts:
        assert held.reading is not None
        for one in held.reading.chunks[start:end]:
            yield passage_text(held.reading.title, one.chunk.heading, one.chunk.text)
