"""The queue: a document's row is its job, held by a lease, so that accepting and queueing are one commit.

A worker claims a document for `lease_s` seconds and says again and again that it lives. When it falls silent, the
document goes to another; the first one's result is then refused (`knowledge.chunks.replace` compares the lease), so a
document is stored once. All times are the database's, so clocks of several machines need not agree.

Strikes keep a document that harms its reader from coming back for ever. A crash of the reading process counts
STRIKES_PER_CRASH, the death of the whole worker (which is hardly ever the document's fault) counts one; at
STRIKES_OUT, that is after three crashes, the document fails with its reason.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import psutil
from sqlalchemy import ColumnElement, Connection, Engine, Row, bindparam, func, select, update

from ingest.order import NOBODY, Served, all_in_turn, next_in_turn
from knowledge.database import now, reading
from knowledge.tables import documents

STRIKES_PER_CRASH = 8
STRIKES_OUT = 24
_WAITING: dict[str, Any] = {"stage": "waiting", "progress": 0.0, "seconds_left": None, "lease_owner": None}
_FORECAST = 200  # documents at the head of the queue whose waiting time is estimated
_RETRY_S = 5.0  # after a crash, times the number of crashes

Verdict = Literal["ours", "lost", "cancelled"]


@dataclass(frozen=True, slots=True)
class Job:
    """A document that we hold."""

    document_id: str
    collection_id: str
    path: str
    media_type: str
    size: int  # bytes
    sha256: str
    uploaded_by: str
    strikes: int
    lease: str  # names this one claim, not only the worker
    is_attached: bool = False  # to a conversation


@dataclass(frozen=True, slots=True)
class Pulse:
    """How far a document that we hold has come."""

    lease: str
    document_id: str
    stage: str
    progress: float  # 0..1
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document in the queue."""

    document_id: str
    media_type: str
    size: int  # bytes


def worker_name() -> str:
    """Return a name for this process that no other process, here or elsewhere, now or later, has."""
    return f"{_host()}:{os.getpid()}:{int(psutil.Process().create_time() * 100)}"


def claim(engine: Engine, worker: str, lease_s: float, served: Served = NOBODY) -> Job | None:
    """Return the next document, now held for `lease_s` seconds, or None when there is nothing to do.

    Attachments of conversations come first, because somebody waits for them. People take turns, from the one after
    whom `served` names: so nobody waits for all of another's files. Of one person's, what has waited longest is next.
    """
    with reading(engine) as connection:
        if connection.execute(next_in_turn(now(connection), served)).first() is None:
            return None
    with engine.begin() as connection:
        moment = now(connection)
        statement = next_in_turn(moment, served).with_for_update(skip_locked=True, of=documents)
        while row := connection.execute(statement).first():
            strikes = row.attempts + (row.status == "running")
            if row.cancel_requested:
                _set(connection, row.id, moment, **_WAITING, status="cancelled", lease_until=None)
            elif strikes >= STRIKES_OUT:
                reason = "The worker stopped again and again while it had this document; it is not tried any more."
                _set(connection, row.id, moment, **_WAITING, status="failed", reason=reason, lease_until=None)
            else:
                return _hold(connection, row, f"{worker}:{uuid4().hex[:12]}", strikes, moment, lease_s)
    return None


def beat(engine: Engine, pulses: Sequence[Pulse], lease_s: float) -> dict[str, Verdict]:
    """Renew the leases, store the progress, and return for each lease what became of it."""
    verdicts: dict[str, Verdict] = {}
    with engine.begin() as connection:
        moment = now(connection)
        for pulse in pulses:
            values = {
                "lease_until": moment + lease_s,
                "updated_at": moment,
                "stage": pulse.stage,
                "progress": pulse.progress,
                "seconds_left": pulse.seconds_left,
            }
            statement = update(documents).where(*_held(pulse.document_id, pulse.lease)).values(**values)
            row = connection.execute(statement.returning(documents.c.cancel_requested)).first()
            verdicts[pulse.lease] = "lost" if row is None else "cancelled" if row.cancel_requested else "ours"
    return verdicts


def fail(engine: Engine, job: Job, reason: str) -> None:
    """End the job: the document is not tried again. Nothing happens when it is no longer ours."""
    _end(engine, job, {**_WAITING, "status": "failed", "reason": reason, "lease_until": None})


def crashed(engine: Engine, job: Job, reason: str) -> None:
    """Put the document back after its reader crashed, or end the job when that happened too often."""
    strikes = job.strikes + STRIKES_PER_CRASH
    if strikes >= STRIKES_OUT:
        tries = STRIKES_OUT // STRIKES_PER_CRASH
        fail(engine, job, f"{reason} It was tried {tries} times.")
        return
    delay = _RETRY_S * (strikes // STRIKES_PER_CRASH)
    _end(
        engine,
        job,
        {**_WAITING, "status": "queued", "attempts": strikes, "reason": f"{reason} It is tried again."},
        delay,
    )


def release(engine: Engine, job: Job) -> None:
    """Put the document back untouched, because the worker is about to stop."""
    _end(engine, job, {**_WAITING, "status": "queued", "attempts": job.strikes}, 0.0)


def withdraw(engine: Engine, job: Job) -> None:
    """Note that the worker has dropped a document whose job was cancelled."""
    _end(engine, job, {**_WAITING, "status": "cancelled", "reason": None, "lease_until": None})


def cancel(engine: Engine, identifiers: Iterable[str]) -> int:
    """Cancel the jobs of these documents; return how many were waiting or running.

    Those that wait are cancelled at once, those that run within seconds. What an earlier version of the document left
    stays searchable.
    """
    some = documents.c.id.in_(list(identifiers))
    with engine.begin() as connection:
        moment = now(connection)
        waiting = {**_WAITING, "status": "cancelled", "updated_at": moment, "lease_until": None}
        stopped = connection.execute(update(documents).where(some, documents.c.status == "queued").values(**waiting))
        asked = connection.execute(
            update(documents).where(some, documents.c.status == "running").values(cancel_requested=1)
        )
        return stopped.rowcount + asked.rowcount


def free_the_dead(engine: Engine) -> int:
    """Let go of documents that processes of this machine held which no longer exist; return how many.

    This only saves the time until their leases end; where several machines share a name, a wrong guess costs work done
    twice, never a document stored twice.
    """
    prefix = f"{_host()}:"
    with reading(engine) as connection:
        held = select(documents.c.lease_owner).where(documents.c.status == "running").distinct()
        owners = [str(owner) for owner in connection.execute(held).scalars() if str(owner).startswith(prefix)]
    dead = [owner for owner in owners if not _lives(owner)]
    if not dead:
        return 0
    with engine.begin() as connection:
        statement = update(documents).where(documents.c.lease_owner.in_(dead), documents.c.status == "running")
        return connection.execute(statement.values(lease_until=now(connection))).rowcount


def waiting(engine: Engine, served: Served = NOBODY) -> list[Waiting]:
    """Return the head of the queue in the order in which `claim` will take it."""
    with reading(engine) as connection:
        rows = connection.execute(all_in_turn(now(connection), served).limit(_FORECAST))
        return [Waiting(row.id, row.media_type, row.size) for row in rows if row.status == "queued"]


def forecast(engine: Engine, seconds: Mapping[str, float]) -> None:
    """Store for waiting documents how long it will be until they are ready; for the others that it is not known."""
    table = documents.c
    told = table.status == "queued", table.seconds_left.is_not(None), table.id.not_in(list(seconds))
    with engine.begin() as connection:
        connection.execute(update(documents).where(*told).values(seconds_left=None))
    if not seconds:
        return
    statement = (
        update(documents)
        .where(documents.c.id == bindparam("document"), documents.c.status == "queued")
        .values(seconds_left=bindparam("left"))
    )
    with engine.begin() as connection:
        connection.execute(statement, [{"document": key, "left": value} for key, value in seconds.items()])


def counts(engine: Engine) -> dict[str, int]:
    """Return how many documents are in each status; a status without any is missing."""
    with reading(engine) as connection:
        rows = connection.execute(select(documents.c.status, func.count()).group_by(documents.c.status))
        return {str(status): int(count) for status, count in rows}


def _hold(connection: Connection, row: Row[Any], lease: str, strikes: int, moment: float, lease_s: float) -> Job:
    values = {**_WAITING, "status": "running", "stage": "loading", "attempts": strikes, "reason": None}
    _set(connection, row.id, moment, **{**values, "lease_owner": lease, "lease_until": moment + lease_s})
    return Job(
        row.id,
        row.collection_id,
        row.path,
        row.media_type,
        row.size,
        row.sha256,
        row.uploaded_by,
        strikes,
        lease,
        bool(row.is_attached),
    )


def _end(engine: Engine, job: Job, values: Mapping[str, Any], delay_s: float | None = None) -> None:
    with engine.begin() as connection:
        moment = now(connection)
        later = {"lease_until": moment + delay_s} if delay_s is not None else {}
        statement = update(documents).where(*_held(job.document_id, job.lease))
        connection.execute(statement.values(**values, **later, updated_at=moment))


def _set(connection: Connection, identifier: str, moment: float, **values: Any) -> None:
    connection.execute(update(documents).where(documents.c.id == identifier).values(**values, updated_at=moment))


def _held(identifier: str, lease: str) -> tuple[ColumnElement[bool], ...]:
    return documents.c.id == identifier, documents.c.lease_owner == lease, documents.c.status == "running"


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _lives(owner: str) -> bool:
    """Return whether the process that a lease names still runs, and is not another one with its number."""
    _, pid, started, *_ = owner.split(":")
    try:
        return int(psutil.Process(int(pid)).create_time() * 100) == int(started)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
