"""Leases: one holder at a time, nothing lost, nothing for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from sqlalchemy import Engine, select, update

from ingest import jobs
from ingest.jobs import STRIKES_OUT, STRIKES_PER_CRASH, Job, Pulse
from ingest.order import Served
from knowledge import collections, documents
from knowledge.tables import documents as table
from knowledge.types import Collection
from tests.ingest.conftest import ADMIN, Put, everything


def claimed(engine: Engine, worker: str = "w", lease_s: float = 60.0) -> Job:
    job = jobs.claim(engine, worker, lease_s)
    assert job is not None
    return job


def pulse(job: Job, stage: str = "embedding", progress: float = 0.5) -> Pulse:
    return Pulse(job.lease, job.document_id, stage, progress, 3.0)


def expire(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.status == "running").values(lease_until=1.0))


def due(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.status == "queued").values(lease_until=None))


def test_it_hands_out_each_document_once(engine: Engine, put: Put) -> None:
    for n in range(5):
        put(f"{n}.md", b"# A %d" % n)
    found = [claimed(engine, f"w{n}").path for n in range(5)]
    assert sorted(found) == [f"{n}.md" for n in range(5)]
    assert jobs.claim(engine, "w", 60) is None


def test_it_hands_out_each_document_once_to_many_at_the_same_time(engine: Engine, put: Put) -> None:
    for n in range(20):
        put(f"{n}.md", b"# A %d" % n)
    found: list[str] = []

    def take(worker: str) -> None:
        while job := jobs.claim(engine, worker, 60):
            found.append(job.path)

    threads = [threading.Thread(target=take, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"{n}.md" for n in range(20))


def test_it_hands_out_what_waited_longest_but_attachments_first(engine: Engine, put: Put) -> None:
    put("old.md", b"# A")
    put("new.md", b"# B")
    private = collections.create(engine, "chat", "", ["user:1"], private_to="c1")
    documents.add(engine, private.id, "att.md", "att.md", "text/markdown", 1, "0" * 64, [], "user:1")
    assert [claimed(engine).path for _ in range(3)] == ["att.md", "old.md", "new.md"]


def queue(engine: Engine, place: str, person: str, names: list[str]) -> None:
    for name in names:
        documents.add(engine, place, name, name, "text/markdown", 1, "0" * 64, [], person)


def in_turn(engine: Engine) -> list[str]:
    """What one worker takes, each with what was said before about the order of all."""
    served, taken = Served(), []
    expected = [one.document_id for one in jobs.waiting(engine, served)]
    while job := jobs.claim(engine, "w", 60, served):
        assert [job.document_id, *expected[1:]] == expected
        served = served.then(job.uploaded_by, job.is_attached)
        expected = [one.document_id for one in jobs.waiting(engine, served)]
        taken.append(job.path)
    return taken


def test_it_lets_people_take_turns(engine: Engine, handbook: Collection) -> None:
    queue(engine, handbook.id, "Ann", [f"a{n}" for n in range(5)])
    queue(engine, handbook.id, "Cem", ["c0", "c1"])
    queue(engine, handbook.id, "Ben", ["b0"])
    assert in_turn(engine) == ["a0", "b0", "c0", "a1", "c1", "a2", "a3", "a4"]


def test_it_lets_nobody_lose_a_turn_to_attachments(engine: Engine, handbook: Collection) -> None:
    private = collections.create(engine, "chat", "", ["user:1"], private_to="c1")
    for person, name in (("Ann", "a"), ("Ben", "b"), ("Cem", "c")):
        queue(engine, handbook.id, person, [f"{name}{n}" for n in range(2)])
    served, taken = Served(), []
    for n in range(6):  # Ann attaches a file each time before the worker looks
        queue(engine, private.id, "Ann", [f"attached{n}"])
        for _ in range(2):
            job = jobs.claim(engine, "w", 60, served)
            assert job is not None
            served = served.then(job.uploaded_by, job.is_attached)
            taken.append(job.path)
    assert taken[::2] == [f"attached{n}" for n in range(6)]
    assert taken[1::2] == ["a0", "b0", "c0", "a1", "b1", "c1"]


def test_it_says_no_time_any_more_for_what_others_pushed_back(engine: Engine, handbook: Collection) -> None:
    queue(engine, handbook.id, "Ann", ["a"])
    jobs.forecast(engine, {one.document_id: 5.0 for one in jobs.waiting(engine)})
    assert everything(engine)["a"].seconds_left == 5.0
    jobs.forecast(engine, {})
    assert everything(engine)["a"].seconds_left is None


def test_it_gives_the_documents_of_a_silent_worker_to_another(engine: Engine, put: Put) -> None:
    put("a.md", b"# A")
    first = claimed(engine)
    assert jobs.claim(engine, "other", 60) is None
    expire(engine)
    second = claimed(engine, "other")
    assert second.document_id == first.document_id and second.lease != first.lease
    assert jobs.beat(engine, [pulse(first)], 60) == {first.lease: "lost"}
    assert jobs.beat(engine, [pulse(second)], 60) == {second.lease: "ours"}


def test_it_keeps_a_lease_alive_without_progress(engine: Engine, put: Put) -> None:
    put("a.md", b"# A")
    job = claimed(engine, lease_s=0.3)
    for _ in range(3):
        assert jobs.beat(engine, [pulse(job, progress=0.1)], 60)[job.lease] == "ours"
    assert jobs.claim(engine, "other", 60) is None


def test_it_shows_stage_progress_and_time_left(engine: Engine, put: Put) -> None:
    put("a.md", b"# A")
    job = claimed(engine)
    jobs.beat(engine, [pulse(job)], 60)
    document = everything(engine)["a.md"]
    assert (document.status, document.stage, document.progress, document.seconds_left) == (
        "running",
        "embedding",
        0.5,
        3.0,
    )


def test_it_gives_up_after_three_crashes(engine: Engine, put: Put) -> None:
    put("a.md", b"# A")
    for n in range(3):
        due(engine)
        job = claimed(engine)
        assert job.strikes == n * STRIKES_PER_CRASH
        jobs.crashed(engine, job, "It crashed.")
    document = everything(engine)["a.md"]
    assert (document.status, document.reason) == ("failed", "It crashed. It was tried 3 times.")
    assert jobs.claim(engine, "w", 60) is None


def test_it_waits_before_it_tries_again_and_says_so(engine: Engine, put: Put) -> None:
    put("a.md", b"# A")
    jobs.crashed(engine, claimed(engine), "It crashed.")
    assert jobs.claim(engine, "w", 60) is None
    document = everything(engine)["a.md"]
    assert (document.status, document.reason) == ("queued", "It crashed. It is tried again.")


def test_it_forgives_the_deaths_of_workers_but_not_for_ever(engine: Engine, put: Put) -> None:
    put("a.md", b"# A")
    for n in range(STRIKES_OUT):
        assert claimed(engine).strikes == n
        expire(engine)
    assert jobs.claim(engine, "w", 60) is None
    document = everything(engine)["a.md"]
    assert document.status == "failed" and "again and again" in str(document.reason)


def test_it_puts_back_without_a_strike(engine: Engine, put: Put) -> None:
    put("a.md", b"# A")
    jobs.release(engine, claimed(engine))
    assert claimed(engine).strikes == 0


def test_it_starts_afresh_when_a_failed_document_is_tried_again(engine: Engine, put: Put) -> None:
    document = put("a.md", b"# A").documents[0]
    jobs.fail(engine, claimed(engine), "It is broken.")
    assert everything(engine)["a.md"].reason == "It is broken."
    documents.requeue(engine, ADMIN, document.id)
    assert claimed(engine).strikes == 0
    assert everything(engine)["a.md"].reason is None


def test_it_cancels_what_waits_at_once_and_what_runs_at_the_next_beat(engine: Engine, put: Put) -> None:
    waiting, running = (put(name, b"# " + name.encode()).documents[0].id for name in ("wait.md", "run.md"))
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.id == waiting).values(updated_at=9e9))
    job = claimed(engine)
    assert job.document_id == running
    assert jobs.cancel(engine, [waiting, running, "0" * 32]) == 2
    assert everything(engine)["wait.md"].status == "cancelled"
    assert jobs.beat(engine, [pulse(job)], 60)[job.lease] == "cancelled"
    jobs.withdraw(engine, job)
    assert everything(engine)["run.md"].status == "cancelled"
    assert jobs.claim(engine, "w", 60) is None


def test_it_cancels_what_a_dead_worker_held(engine: Engine, put: Put) -> None:
    document = put("a.md", b"# A").documents[0]
    claimed(engine)
    jobs.cancel(engine, [document.id])
    expire(engine)
    assert jobs.claim(engine, "w", 60) is None
    assert everything(engine)["a.md"].status == "cancelled"


def test_it_ends_nothing_that_went_to_another(engine: Engine, put: Put) -> None:
    put("a.md", b"# A")
    first = claimed(engine)
    expire(engine)
    second = claimed(engine, "other")
    for end in (jobs.withdraw, jobs.release):
        end(engine, first)
    jobs.fail(engine, first, "x")
    jobs.crashed(engine, first, "x")
    assert jobs.beat(engine, [pulse(second)], 60)[second.lease] == "ours"


def test_it_takes_a_new_version_from_the_worker_that_reads_the_old_one(engine: Engine, put: Put) -> None:
    put("a.md", b"# A")
    job = claimed(engine)
    put("a.md", b"# B")
    assert jobs.beat(engine, [pulse(job)], 60)[job.lease] == "lost"
    assert claimed(engine).sha256 != job.sha256


@pytest.mark.parametrize("end", ["delete", "none"])
def test_it_notices_that_a_document_was_deleted(engine: Engine, put: Put, end: str) -> None:
    document = put("a.md", b"# A").documents[0]
    job = claimed(engine)
    if end == "delete":
        documents.delete(engine, ADMIN, document.id)
    assert jobs.beat(engine, [pulse(job)], 60)[job.lease] == ("lost" if end == "delete" else "ours")


def test_it_lets_go_at_once_of_what_dead_processes_of_this_machine_held(engine: Engine, put: Put) -> None:
    put("dead.md", b"# A")
    put("alive.md", b"# B")
    code = "from ingest import jobs; print(jobs.worker_name())"
    name = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=os.getcwd())
    dead, alive = claimed(engine, name.stdout.strip(), 3600), claimed(engine, jobs.worker_name(), 3600)
    assert jobs.free_the_dead(engine) == 1
    assert claimed(engine).document_id == dead.document_id
    assert jobs.beat(engine, [pulse(alive)], 60)[alive.lease] == "ours"


def test_it_says_how_long_waiting_documents_will_wait(engine: Engine, put: Put) -> None:
    ids = [put(f"{n}.md", b"# A %d" % n).documents[0].id for n in range(3)]
    claimed(engine)
    assert [one.document_id for one in jobs.waiting(engine)] == ids[1:]
    jobs.forecast(engine, {ids[0]: 99.0, ids[1]: 5.0, ids[2]: 9.0})
    left = {path: document.seconds_left for path, document in everything(engine).items()}
    assert left == {"0.md": None, "1.md": 5.0, "2.md": 9.0}


def test_it_counts_documents_by_status(engine: Engine, put: Put) -> None:
    for n in range(3):
        put(f"{n}.md", b"# A %d" % n)
    jobs.fail(engine, claimed(engine), "x")
    assert jobs.counts(engine) == {"queued": 2, "failed": 1}
    with engine.connect() as connection:
        assert connection.execute(select(table.c.lease_owner)).scalars().all() == [None, None, None]
