"""Learned policies with how they were judged, and which one acts; kept with the other choices of administrators."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, delete, insert, select

from assistant.models.errors import PolicyRefused
from assistant.models.policy.estimate import Estimate
from assistant.models.policy.learner import Actor
from assistant.tables import model_choices as table
from knowledge.database import reading

_KIND: Literal["policy"] = "policy"
_HISTORY = "history"
KEPT = 10  # the oldest ones that never acted make way


class Stored(BaseModel):
    """A learned policy."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    actor: Actor
    estimate: Estimate
    at: float  # seconds since the epoch


class _History(BaseModel):
    """Policies in the order in which they began to act, the last one acts; empty: the decision table does."""

    ids: tuple[str, ...] = ()


def listed(engine: Engine) -> list[Stored]:
    """Return all of them, the latest first."""
    with reading(engine) as connection:
        rows = connection.execute(select(table.c.value).where(table.c.kind == _KIND, table.c.name != _HISTORY)).all()
    return sorted((Stored.model_validate_json(row.value) for row in rows), key=lambda one: -one.at)


def active(engine: Engine) -> Stored | None:
    """Return the one that acts, None while the decision table does."""
    with reading(engine) as connection:
        ids = _history(connection).ids
        row = None
        if ids:
            chosen = table.c.kind == _KIND, table.c.name == ids[-1]
            row = connection.execute(select(table.c.value).where(*chosen)).first()
    return None if row is None else Stored.model_validate_json(row.value)


def add(engine: Engine, actor: Actor, estimate: Estimate, by: str) -> Stored:
    """Keep a policy; it does not act."""
    made = Stored(id=uuid4().hex[:12], actor=actor, estimate=estimate, at=time.time())
    with engine.begin() as connection:
        _put(connection, made.id, made, by)
        acted = set(_history(connection).ids)
    for old in [one for one in listed(engine) if one.id not in acted][KEPT:]:
        with engine.begin() as connection:
            connection.execute(delete(table).where(table.c.kind == _KIND, table.c.name == old.id))
    return made


def activate(engine: Engine, identifier: str, by: str) -> Stored:
    """Let a policy act. Raises PolicyRefused for one that is not there, or not shown to be better than the table."""
    known: Sequence[Stored] = [one for one in listed(engine) if one.id == identifier]
    if not known:
        raise PolicyRefused(f"There is no learned policy {identifier[:80]!r}. Train one first.", "not-found")
    if not known[0].estimate.good:
        raise PolicyRefused(f"This policy may not act: {known[0].estimate.sentence()}. Collect more ratings.")
    with engine.begin() as connection:
        ids = _history(connection).ids
        if not ids or ids[-1] != identifier:
            _put(connection, _HISTORY, _History(ids=(*ids, identifier)), by)
    return known[0]


def roll_back(engine: Engine, by: str) -> Stored | None:
    """Let the policy act that did before, or the decision table (None). Raises PolicyRefused when none acts."""
    with engine.begin() as connection:
        ids = _history(connection).ids
        if not ids:
            raise PolicyRefused("No learned policy acts, so there is nothing to go back from.")
        _put(connection, _HISTORY, _History(ids=ids[:-1]), by)
    return active(engine)


def _history(connection: Connection) -> _History:
    row = connection.execute(select(table.c.value).where(table.c.kind == _KIND, table.c.name == _HISTORY)).first()
    return _History() if row is None else _History.model_validate_json(row.value)


def _put(connection: Connection, name: str, value: BaseModel, by: str) -> None:
    connection.execute(delete(table).where(table.c.kind == _KIND, table.c.name == name))
    row = {"kind": _KIND, "name": name, "value": value.model_dump_json(), "updated_by": by, "updated_at": time.time()}
    connection.execute(insert(table).values(**row))
