"""API and worker are killed at random moments while documents are uploaded: what was acknowledged is stored, once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from ingest import jobs
from ingest.chunk import Chunker
from ingest.settings import IngestSettings
from ingest.tokens import TokenCounter
from knowledge.database import connect
from knowledge.tables import changes, chunks, vectors
from tests.e2e.test_make_run import free_port
from tests.ingest.conftest import everything, wait_until
from tests.ingest.test_faults import corpus, expected_chunks

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(7200)]
# No model is needed here; a lease of seconds, so that another worker need not wait for long after a kill.
SURROUNDINGS = {
    "ASSISTANT_MODELS__MODEL": "http://127.0.0.1:1/v1",
    "ASSISTANT_INGEST__LEASE_S": "3",
    "ASSISTANT_INGEST__BEAT_S": "0.3",
    "ASSISTANT_INGEST__POLL_S": "0.05",
}
PER_KILL = 2  # documents
READY_WITHIN_S = 600  # a guard against hanging, however busy the machine is


class Process:
    """One of the two processes, started again after each kill."""

    def __init__(self, module: str, data_dir: Path, *arguments: str) -> None:
        self._command = [sys.executable, "-m", module, "--data-dir", str(data_dir), *arguments]
        self._log = data_dir / "log"
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.running = subprocess.Popen(self._command, stdout=log, stderr=log, env=os.environ | SURROUNDINGS)

    def kill(self) -> None:
        self.running.kill()
        self.running.wait()


class Uploads:
    """Somebody who uploads documents one after the other, each until it is acknowledged; `more` lets some begin."""

    def __init__(self, url: str, data_dir: Path, made: dict[str, bytes]) -> None:
        self._url, self._key, self._made = url, data_dir / "run" / "local.key", made
        self._allowed = threading.Semaphore(0)
        self.acknowledged = 0
        self.tries = 0
        self.refused: list[str] = []
        wait_until(lambda: alive(url), READY_WITHIN_S)
        made_there = self._asked("/api/collections", json={"name": "handbook", "description": "", "readers": []})
        self._address = f"/api/collections/{made_there.json()['id']}/documents"
        self.tries = 0
        self.thread = threading.Thread(target=self._upload, daemon=True)  # a test that fails does not wait
        self.thread.start()

    def more(self, count: int) -> None:
        self._allowed.release(count)

    def _upload(self) -> None:
        for path, body in self._made.items():
            self._allowed.acquire()
            reply = self._asked(self._address, files={"files": (path, body)})
            self.refused += [str(row) for row in reply.json()["refused"]]
            self.acknowledged += 1

    def _asked(self, address: str, **body: object) -> httpx.Response:
        """Return the answer, whenever there is one."""
        while True:
            self.tries += 1
            try:
                headers = {"Authorization": f"Bearer {self._key.read_text('utf-8').strip()}"}
                reply = httpx.post(self._url + address, headers=headers, timeout=30, **body)  # type: ignore[arg-type]  # as given
            except (httpx.TransportError, FileNotFoundError):
                time.sleep(0.05)  # the server is away
                continue
            if reply.status_code < 500:
                assert reply.is_success, reply.text
                return reply


def alive(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_what_was_acknowledged_is_stored_once_though_api_and_worker_are_killed(
    tmp_path: Path, seed: int, fault_runs: int
) -> None:
    kills = fault_runs if fault_runs > 20 else max(1, fault_runs // 5)  # each costs two starts of the product
    draw, data_dir, port = random.Random(seed), tmp_path / "data", str(free_port())
    url = f"http://127.0.0.1:{port}"
    made = corpus(seed, PER_KILL * kills)
    chunker = Chunker(IngestSettings(), TokenCounter())
    expected = {path: expected_chunks(body, path, chunker, tmp_path) for path, body in made.items()}
    data_dir.mkdir()
    api = Process("assistant.serve", data_dir, "--port", port)
    worker = Process("assistant.work", data_dir)
    try:
        uploads = Uploads(url, data_dir, made)
        killed = Counter[str]()
        for number in range(kills):
            wait_until(lambda: alive(url), READY_WITHIN_S)
            uploads.more(PER_KILL)
            time.sleep(draw.uniform(0.0, 1.0))  # the moment of the kill is what is drawn
            who = draw.choice(["api", "worker", "both"]) if number else "both"
            killed[who] += 1
            for process in {"api": [api], "worker": [worker], "both": [api, worker]}[who]:
                process.kill()
                process.start()
        uploads.thread.join(300)
        assert uploads.acknowledged == len(made) and not uploads.refused
        engine = connect(f"sqlite:///{data_dir}/assistant.db")
        wait_until(lambda: not {"queued", "running"} & jobs.counts(engine).keys(), 600)
    finally:
        api.kill()
        worker.kill()
    print(f"\nseed {seed}: {dict(killed)} kills, {len(made)} documents, {uploads.tries} tries to upload them")
    found = everything(engine)
    assert {path: (one.status, one.reason) for path, one in found.items()} == dict.fromkeys(expected, ("ready", None))
    assert {path: one.n_chunks for path, one in found.items()} == expected
    with engine.connect() as connection:
        rows = set(connection.execute(select(chunks.c.row)).scalars())
        assert (
            len(rows)
            == sum(expected.values())
            == connection.execute(select(func.count(vectors.c.chunk_row))).scalar_one()
        )
        told = Counter[int]()
        for row, kind in connection.execute(select(changes.c.chunk_row, changes.c.kind)):
            told[row] += {"add": 1, "remove": -1}.get(kind, 0)
    assert {row: count for row, count in told.items() if count} == dict.fromkeys(rows, 1)  # each is indexed once
