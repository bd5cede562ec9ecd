"""Kill the worker at random moments: every document ends up stored, once, and nothing is left over."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, func, select

from ingest import jobs
from ingest.chunk import Chunker
from ingest.prepare import prepare
from ingest.settings import Limits
from ingest.types import Source
from knowledge.tables import changes, chunks, documents, vectors
from tests.ingest.conftest import Put, everything, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800)]
SCRIPT = Path(__file__).with_name("worker_process.py")
SAID = "leave policy employee manager week month salary office remote travel budget approval form team"
WORDS = SAID.split()


def corpus(seed: int, count: int) -> dict[str, bytes]:
    """Return documents of several kinds and lengths, by path."""
    rng = random.Random(seed)
    made: dict[str, bytes] = {}
    for n in range(count):

        def sentence(n: int = n) -> str:
            return " ".join(rng.choices(WORDS, k=12)).capitalize() + f" {n}.{rng.randrange(10**6)}."

        parts = [
            f"## Part {k}\n\n" + " ".join(sentence() for _ in range(rng.randrange(2, 20)))
            for k in range(rng.randrange(1, 9))
        ]
        kind = n % 4
        if kind == 0:
            made[f"{n}.csv"] = ("Name,Text\n" + "".join(f"{k},{sentence()}\n" for k in range(40))).encode()
        elif kind == 1:
            made[f"{n}.html"] = "".join(f"<h2>Part {k}</h2><p>{part}</p>" for k, part in enumerate(parts)).encode()
        else:
            made[f"{n}.md"] = (f"# Document {n}\n\n" + "\n\n".join(parts)).encode()
    return made


def expected_chunks(body: bytes, path: str, chunker: Chunker, tmp_path: Path) -> int:
    kinds = {".csv": "text/csv", ".html": "text/html", ".md": "text/markdown"}
    file = tmp_path / "expected"
    file.write_bytes(body)
    with file.open("rb") as opened:
        source = Source(opened, path, kinds[Path(path).suffix], Limits(), lambda done, of: None, lambda picture: [])
        return len(prepare(source, chunker, lambda stage: None).chunks)


def start(tmp_path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(SCRIPT), f"sqlite:///{tmp_path}/assistant.db", str(tmp_path / "files")]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=SCRIPT.parents[2], env={"PYTHONPATH": "."})


def busy(engine: Engine) -> bool:
    return bool({"queued", "running"} & jobs.counts(engine).keys())


def kill_at_a_random_moment(engine: Engine, tmp_path: Path, rng: random.Random, workers: int) -> None:
    """Start workers, wait until one has begun to work, and kill them somewhere in the next 0.7 s."""
    processes = [start(tmp_path) for _ in range(workers)]
    try:
        with engine.connect() as connection:
            before = connection.execute(select(func.max(documents.c.updated_at))).scalar_one()
        until = time.monotonic() + 60
        while time.monotonic() < until and busy(engine):
            with engine.connect() as connection:
                if connection.execute(select(func.max(documents.c.updated_at))).scalar_one() > before:
                    break
            time.sleep(0.02)
        time.sleep(rng.uniform(0.0, 0.7))
    finally:
        for process in processes:
            process.kill()
            process.wait()


def assert_stored_once(engine: Engine, expected: dict[str, int]) -> None:
    found = everything(engine)
    assert {path: (document.status, document.reason) for path, document in found.items()} == dict.fromkeys(
        expected, ("ready", None)
    )
    assert {path: document.n_chunks for path, document in found.items()} == expected
    with engine.connect() as connection:
        rows = set(connection.execute(select(chunks.c.row)).scalars())
        assert len(rows) == sum(expected.values())
        assert connection.execute(select(func.count()).select_from(vectors)).scalar_one() == len(rows)
        kinds = connection.execute(select(changes.c.chunk_row, changes.c.kind).where(changes.c.kind != "touch")).all()
    assert sorted(row for row, kind in kinds if kind == "add") == sorted(rows), (
        "some chunk was stored twice or not at all"
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_it_stores_every_document_once_however_often_it_is_killed(
    engine: Engine, put: Put, chunker: Chunker, tmp_path: Path, fault_runs: int, seed: int, workers: int
) -> None:
    kills = fault_runs if workers == 1 else max(2, fault_runs // 2)
    made = corpus(seed, 5 * kills)
    expected = {path: expected_chunks(body, path, chunker, tmp_path) for path, body in made.items()}
    for path, body in made.items():
        put(path, body)
    rng = random.Random(seed)
    done = 0
    while done < kills and busy(engine):
        kill_at_a_random_moment(engine, tmp_path, rng, workers)
        done += 1
    survivor = start(tmp_path)
    killed_at = time.monotonic()
    try:
        wait_until(lambda: not busy(engine), 600)
    finally:
        survivor.terminate()
        survivor.wait(30)
    print(f"seed {seed}: {done} kills, {len(made)} documents, done {time.monotonic() - killed_at:.1f} s after the last")
    assert done
    assert_stored_once(engine, expected)
    assert not [
        p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] and str(tmp_path) in str(p.info["cmdline"])
    ]


def test_it_resumes_at_once_after_a_kill(engine: Engine, put: Put, tmp_path: Path) -> None:
    put("slow.md", b"[" * 3_000_000)
    first = start(tmp_path)
    wait_until(lambda: everything(engine)["slow.md"].status == "running", 60)
    lease_owner = owner(engine)
    first.kill()
    first.wait()
    second = start(tmp_path)
    started = time.monotonic()
    wait_until(lambda: owner(engine) not in (None, lease_owner), 30)
    print(f"taken over {time.monotonic() - started:.1f} s after the restart")
    second.kill()
    second.wait()


def owner(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return connection.execute(select(documents.c.lease_owner)).scalar_one()
