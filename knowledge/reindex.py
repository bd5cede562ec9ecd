"""Changing the embedding model: the next model's vectors are made beside the live ones, then searches switch at once.

While this runs, new documents are embedded by the live model and caught up with here; nothing stops, and nothing is
lost when it is interrupted, because what is done is in SQL.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from knowledge import changes, facts
from knowledge.chunks import vector_bytes
from knowledge.database import reading
from knowledge.embed import passage_text
from knowledge.errors import EmbedderUnavailable
from knowledge.tables import chunks, documents, vectors
from knowledge.types import Embedder

log = logging.getLogger(__name__)

_AT_ONCE = 64  # chunks per step: a few seconds of one core
_POLL_S = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the change to a model has come."""

    model: str
    done: int  # chunks that have its vector
    total: int
    live: bool  # searches use it


def progress(engine: Engine, model: str) -> Progress:
    """Return how many chunks have a vector by `model`, and whether it is live."""
    with reading(engine) as connection:
        total = connection.execute(select(func.count()).select_from(chunks)).scalar_one()
        done = connection.execute(select(func.count()).where(vectors.c.model == model)).scalar_one()
    return Progress(model, done, total, facts.live_embedder(engine, model) == model)


def keep(engine: Engine, wanted: Embedder, live: Embedder | None, stop: threading.Event) -> None:
    """See until `stop` that every chunk has a vector by `wanted`, and make that model live once all have.

    `live` is the embedder of the model that searches use until then, None if it cannot be had: chunks stored
    meanwhile get its vectors too. An embedder or a database that does not answer is asked again. To be run by the
    ingestion worker in a thread of its own.
    """
    seen, away = -1, False
    while not stop.is_set():
        try:
            with reading(engine) as connection:
                latest = changes.latest(connection)
            if latest == seen or not fill(engine, wanted, live):
                stop.wait(_POLL_S)
            if facts.live_embedder(engine, wanted.name) != wanted.name:
                switch(engine, wanted.name)
            seen, away = latest, False
        except (EmbedderUnavailable, SQLAlchemyError, OSError) as exc:
            if not away:  # said once per outage, not every few seconds
                log.warning("cannot embed stored chunks", extra={"model": wanted.name, "reason": str(exc)})
            away = True
            stop.wait(_POLL_S)


def fill(engine: Engine, wanted: Embedder, live: Embedder | None) -> int:
    """Embed some chunks that lack a vector by `wanted`, or by `live` while that is; return how many."""
    done = step(engine, wanted)
    if live is not None and live.name != wanted.name and facts.live_embedder(engine, wanted.name) == live.name:
        done += step(engine, live)
    return done


def step(engine: Engine, embedder: Embedder) -> int:
    """Embed some chunks that have no vector by `embedder` yet; return how many. 0: all have one."""
    with reading(engine) as connection:
        found = connection.execute(_missing(embedder.name).limit(_AT_ONCE)).all()
    if not found:
        return 0
    made = embedder.embed([passage_text(chunk.title, chunk.heading, chunk.text) for chunk in found])
    with engine.begin() as connection:
        rows = [chunk.row for chunk in found]
        # Chunks may have been replaced since, or embedded by another worker.
        still = {chunk.row for chunk in connection.execute(_missing(embedder.name).where(chunks.c.row.in_(rows)))}
        values = [
            {"chunk_row": row, "model": embedder.name, "vector": vector_bytes(vector)}
            for row, vector in zip(rows, made, strict=True)
            if row in still
        ]
        if values:
            connection.execute(insert(vectors), values)
            changes.append(connection, "add", sorted(still))
    return len(found)


def switch(engine: Engine, model: str) -> bool:
    """Make `model` live if every chunk has its vector; False, changing nothing, if one has not."""
    with engine.begin() as connection:
        if connection.execute(_missing(model).limit(1)).first() is not None:
            return False
        facts.set_live_embedder(connection, model)
        changes.append(connection, "touch")
        return True


def forget(engine: Engine, model: str) -> int:
    """Delete the vectors of a model that is not live; return how many there were. The live model's stay: 0."""
    if facts.live_embedder(engine, model) == model:
        return 0
    with engine.begin() as connection:
        return connection.execute(delete(vectors).where(vectors.c.model == model)).rowcount


def _missing(model: str) -> Select[Any]:
    mine = select(vectors.c.chunk_row).where(vectors.c.chunk_row == chunks.c.row, vectors.c.model == model)
    return (
        select(chunks.c.row, chunks.c.heading, chunks.c.text, documents.c.title)
        .join(documents, documents.c.id == chunks.c.document_id)
        .where(~mine.exists())
        .order_by(chunks.c.row)
    )
