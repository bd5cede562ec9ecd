"""Long calls of skills in SQL: how far each is, whether its person wants it ended, and what it came to.

running -> done, failed or cancelled; running -> cancelling -> cancelled. A row whose server beats no more is taken over
by one server: what only reads begins again, anything else becomes interrupted, since nobody knows whether it went
through.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import Connection, Engine, Row, and_, delete, insert, select, update

from assistant.tables import long_calls
from knowledge.database import now, reading
from skills.types import Effect, Skill, SkillCall

LongState = Literal["running", "cancelling", "done", "failed", "cancelled", "interrupted"]
MAX_ATTEMPTS = 3
MAX_RESULT_CHARACTERS = 4_000
_KEPT_S = 7 * 86_400.0  # of calls that have ended
_SHOWN = 100
_OPEN = ("running", "cancelling")
_INTERRUPTED = "The server stopped while this call ran: check by hand whether it went through."


@dataclass(frozen=True, slots=True)
class LongCall:
    """One long call."""

    id: str
    owner_id: str
    call_id: str
    skill: str
    version: str
    effect: Effect
    arguments: dict[str, Any]
    tainted: bool
    state: LongState
    done: float | None  # 0..1; None when not known
    note: str
    result: str
    attempts: int
    created_at: float
    updated_at: float

    @property
    def turn_id(self) -> str | None:
        """Return the turn in which the call was made; None when it was made by hand."""
        turn, colon, _ = self.call_id.partition(":")
        return turn if colon else None


def begin(engine: Engine, skill: Skill, call: SkillCall) -> str:
    """Store a call that is about to run, and return its id; old ones that have ended make way."""
    identifier = uuid4().hex
    with engine.begin() as connection:
        moment = now(connection)
        ended = long_calls.c.state.not_in(_OPEN), long_calls.c.updated_at < moment - _KEPT_S
        connection.execute(delete(long_calls).where(*ended))
        row = {
            "id": identifier,
            "owner_id": call.person.user_id,
            "call_id": call.call_id[:200],
            "skill": skill.name,
            "version": skill.version,
            "effect": skill.effect,
            "arguments": json.dumps(dict(call.arguments)),
            "tainted": call.tainted,
            "state": "running",
            "note": "",
            "attempts": 1,
            "created_at": moment,
            "updated_at": moment,
        }
        connection.execute(insert(long_calls), row)
    return identifier


def beat(engine: Engine, identifier: str, done: float | None, note: str) -> bool:
    """Note how far a call is; False when its person wants it ended, or it is gone."""
    with engine.begin() as connection:
        running = long_calls.c.id == identifier, long_calls.c.state == "running"
        values = {"done": done, "note": note, "updated_at": now(connection)}
        return connection.execute(update(long_calls).where(*running).values(**values)).rowcount > 0


def finish(engine: Engine, identifier: str, state: LongState, result: str) -> None:
    """Note what a call came to."""
    with engine.begin() as connection:
        values = {"state": state, "result": result[:MAX_RESULT_CHARACTERS], "updated_at": now(connection)}
        is_open = long_calls.c.id == identifier, long_calls.c.state.in_(_OPEN)
        connection.execute(update(long_calls).where(*is_open).values(**values))


def cancel(engine: Engine, owner_id: str, identifier: str) -> bool:
    """Ask for the end of a running call of `owner_id`; False when it does not run (any more)."""
    mine = long_calls.c.id == identifier, long_calls.c.owner_id == owner_id, long_calls.c.state == "running"
    with engine.begin() as connection:
        return connection.execute(update(long_calls).where(*mine).values(state="cancelling")).rowcount > 0


def get(engine: Engine, owner_id: str, identifier: str) -> LongCall | None:
    """Return one call of `owner_id`; None when they have none such."""
    mine = long_calls.c.id == identifier, long_calls.c.owner_id == owner_id
    with reading(engine) as connection:
        row = connection.execute(select(long_calls).where(*mine)).first()
    return None if row is None else _call(row)


def page(engine: Engine, owner_id: str) -> list[LongCall]:
    """Return the owner's calls, those that run first, then the newest; at most 100."""
    mine = (
        select(long_calls)
        .where(long_calls.c.owner_id == owner_id)
        .order_by(long_calls.c.created_at.desc(), long_calls.c.id)
    )
    with reading(engine) as connection:
        found = [_call(row) for row in connection.execute(mine.limit(_SHOWN)).all()]
    return sorted(found, key=lambda call: (call.state not in _OPEN, -call.created_at))


def take_over(engine: Engine, silent_s: float, own: Collection[str] = ()) -> list[LongCall]:
    """Return the calls to begin again, each to one server only: those that read and whose server is silent so long.

    The others that were left are marked: as interrupted where they may have changed something, as cancelled where
    that was asked for, as failed where they were begun too often. `own` rows are those that this server works on.
    """
    with engine.begin() as connection:
        moment = now(connection)
        silent = long_calls.c.updated_at <= moment - silent_s
        left = and_(long_calls.c.state.in_(_OPEN), silent, long_calls.c.id.not_in(list(own)))
        found = [_call(row) for row in connection.execute(select(long_calls).where(left)).all()]
        return [call for call in found if _taken(connection, call, moment)]


def forget_person(connection: Connection, person: str) -> None:
    """Delete the calls of a person who leaves, within the caller's transaction."""
    connection.execute(delete(long_calls).where(long_calls.c.owner_id == person))


def _taken(connection: Connection, call: LongCall, moment: float) -> bool:
    """Mark one call that was left; True when it is this server's to begin again."""
    values: dict[str, Any] = {"updated_at": moment}
    if call.state == "cancelling":
        values |= {"state": "cancelled", "result": "You cancelled this call."}
    elif call.effect == "write":
        values |= {"state": "interrupted", "result": _INTERRUPTED}
    elif call.attempts >= MAX_ATTEMPTS:
        values |= {"state": "failed", "result": f"The server stopped {MAX_ATTEMPTS} times while this call ran."}
    else:
        values |= {"attempts": call.attempts + 1, "note": "Begun again after a restart", "done": None}
    same = long_calls.c.id == call.id, long_calls.c.updated_at == call.updated_at
    changed = connection.execute(update(long_calls).where(*same).values(**values)).rowcount > 0
    return changed and "state" not in values


def _call(row: Row[Any]) -> LongCall:
    return LongCall(
        id=row.id,
        owner_id=row.owner_id,
        call_id=row.call_id,
        skill=row.skill,
        version=row.version,
        effect=row.effect,
        arguments=json.loads(row.arguments),
        tainted=row.tainted,
        state=row.state,
        done=row.done,
        note=row.note,
        result=row.result or "",
        attempts=row.attempts,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
