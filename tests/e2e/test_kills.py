"""API and worker are killed at random moments while documents are uploaded: what was acknowledged is stored, once."""

from __future__ import annotations

import asyncio
import json
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

from assistant.models.fake_script import Script
from assistant.models.fake_server import FakeServer
from assistant.threads import in_thread
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
# A lease of seconds, so that another worker need not wait for long after a kill.
SURROUNDINGS = {
    "ASSISTANT_INGEST__LEASE_S": "3",
    "ASSISTANT_INGEST__BEAT_S": "0.3",
    "ASSISTANT_INGEST__POLL_S": "0.05",
}
PER_KILL = 2  # documents
KEPT_WITHIN_S = 5.0  # of what was said before a kill; the product stores it each second
READY_WITHIN_S = 600  # a guard against hanging, however busy the machine is


class Process:
    """One of the two processes, started again after each kill."""

    def __init__(self, module: str, data_dir: Path, *arguments: str, model: str = "http://127.0.0.1:1/v1") -> None:
        self._surroundings = os.environ | SURROUNDINGS | {"ASSISTANT_MODELS__MODEL": model}
        self._command = [sys.executable, "-m", module, "--data-dir", str(data_dir), *arguments]
        self._log = data_dir / "log"
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.running = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._surroundings)

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


async def test_a_kill_in_the_middle_of_an_answer_leaves_what_was_said(
    tmp_path: Path, seed: int, fault_runs: int
) -> None:
    kills = fault_runs if fault_runs > 20 else max(1, fault_runs // 5)
    draw, data_dir, port = random.Random(seed), tmp_path / "data", str(free_port())
    data_dir.mkdir()
    async with FakeServer(Script("big", tokens=4_000, rate=40)).running() as model:
        said = "".join(model.script.words()).replace(" [1]", "")  # marks of citations have no place here
        api = Process("assistant.serve", data_dir, "--port", port, model=model.url)
        try:
            for _ in range(kills):
                await in_thread(wait_until, lambda: alive(f"http://127.0.0.1:{port}"), READY_WITHIN_S)
                key = (data_dir / "run" / "local.key").read_text("utf-8").strip()
                headers = {"Authorization": f"Bearer {key}"}
                async with httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60
                ) as client:
                    mine = (await client.post("/api/conversations", json={})).json()["id"]
                    seen = await _until(client, mine, draw.randrange(200, 800))
                    # What came a while before the kill was kept: the figure is generous, a second is the aim.
                    await asyncio.sleep(KEPT_WITHIN_S)
                    api.kill()
                api.start()
                await in_thread(wait_until, lambda: alive(f"http://127.0.0.1:{port}"), READY_WITHIN_S)
                async with httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60
                ) as client:
                    (turn,) = (await client.get(f"/api/conversations/{mine}")).json()["turns"]
                assert turn["status"] == "stopped" and turn["answer"]["stopped_by"] == "killed"
                assert turn["answer"]["answer"].startswith(seen) and said.startswith(turn["answer"]["answer"])
                assert "end is missing" in turn["answer"]["notice"]
        finally:
            api.kill()


async def _until(client: httpx.AsyncClient, conversation: str, characters: int) -> str:
    """Ask, and return the first so many characters of the answer, or a few more; the stream stays half read."""
    ours = {"conversation_id": conversation, "grounded": False}
    message = {"role": "user", "content": "Count for a long time."}
    body = {"messages": [message], "stream": True, "max_tokens": 4_000, "assistant": ours}
    request = client.build_request("POST", "/v1/chat/completions", json=body)
    reply, seen = await client.send(request, stream=True), ""
    async for line in reply.aiter_lines():
        if line.startswith("data: {"):
            seen += "".join(choice["delta"].get("content") or "" for choice in json.loads(line[6:])["choices"])
        if len(seen) >= characters:
            break
    return seen
