"""Calls of skills that wait for a person's approval, in SQL: durable, the asking person's own, and run at most once.

waiting -> running -> done or failed; or waiting -> refused, or expired. A crash while a call runs leaves it
interrupted: whether it went through is not known, so it is never run again by itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, insert, select, update

from assistant.orchestration.session import Pending
from assistant.tables import approvals
from assistant.types import ApprovalState, CallToApprove, Turn
from knowledge.database import now, reading

MAX_RESULT_CHARACTERS = 4_000
_SHOWN = 200
_KEPT_S = 30 * 86_400.0  # after the time within which it could be approved


@dataclass(frozen=True, slots=True)
class Approval:
    """One call that a person has to approve, and what became of it."""

    id: str
    owner_id: str
    turn_id: str
    conversation_id: str | None
    skill: str
    arguments: dict[str, Any]
    digest: str
    call_id: str
    tainted: bool
    state: ApprovalState
    question: str
    model: str
    context: dict[str, Any]  # what the turn goes on from; {} once it has
    result: str
    created_at: float
    expires_at: float

    @property
    def call(self) -> CallToApprove:
        """Return what is shown of it."""
        return CallToApprove(self.id, self.skill, self.arguments, self.state, self.expires_at)


def park(
    engine: Engine, turn: Turn, origin: Approval | None, pending: Sequence[Pending], context: object, hours: float
) -> list[Approval]:
    """Store calls that wait, for `hours` from now, and return them in their order.

    `origin` is the approved call after which the turn went on to make these, if any: they belong to its turn. What
    the same person could last approve 30 days ago is deleted.
    """
    turn_id = origin.turn_id if origin else turn.id
    conversation_id = origin.conversation_id if origin else turn.options.conversation_id
    with engine.begin() as connection:
        moment = now(connection)
        rows = [
            {
                "id": uuid4().hex,
                "owner_id": turn.caller.user_id,
                "turn_id": turn_id,
                "conversation_id": conversation_id,
                "skill": call.skill,
                "arguments": json.dumps(call.arguments),
                "digest": call.digest,
                "call_id": call.call_id[:200],
                "tainted": call.tainted,
                "state": "waiting",
                "question": turn.question,
                "model": turn.options.model,
                "context": json.dumps(context),
                "created_at": moment + n * 1e-6,  # keeps their order
                "expires_at": moment + hours * 3_600,
            }
            for n, call in enumerate(pending)
        ]
        old = approvals.c.owner_id == turn.caller.user_id, approvals.c.expires_at < moment - _KEPT_S
        connection.execute(delete(approvals).where(*old, approvals.c.state != "running"))
        connection.execute(insert(approvals), rows)
    found = {row.id: row for row in of_turn(engine, turn.caller.user_id, turn_id)}
    return [found[str(row["id"])] for row in rows]


def get(engine: Engine, owner_id: str, identifier: str) -> Approval | None:
    """Return the owner's approval; None when there is none such."""
    found = _read(engine, approvals.c.owner_id == owner_id, approvals.c.id == identifier)
    return found[0] if found else None


def of_turn(engine: Engine, owner_id: str, turn_id: str) -> list[Approval]:
    """Return all approvals of one turn, in the order of their calls."""
    return _read(engine, approvals.c.owner_id == owner_id, approvals.c.turn_id == turn_id)


def waiting_in(engine: Engine, owner_id: str, conversation_id: str) -> list[Approval]:
    """Return the calls that still wait for the owner in one conversation, in the order of their calls."""
    inside = approvals.c.owner_id == owner_id, approvals.c.conversation_id == conversation_id
    found = _read(engine, *inside, approvals.c.state == "waiting")
    return [approval for approval in found if approval.state == "waiting"]  # others have expired


def page(engine: Engine, owner_id: str) -> list[Approval]:
    """Return the owner's latest approvals, those that wait first, then the newest; at most 200."""
    found = _read(engine, approvals.c.owner_id == owner_id, latest=True)
    return sorted(found, key=lambda approval: (approval.state != "waiting", -approval.created_at))


def begin(engine: Engine, owner_id: str, identifier: str) -> bool:
    """Claim a waiting call, for the one who gets True to run; False when it does not wait (any more) or has expired."""
    with engine.begin() as connection:
        moment = now(connection)
        waiting = _waiting(owner_id, identifier), approvals.c.expires_at > moment
        statement = update(approvals).where(*waiting).values(state="running", decided_at=moment)
        return connection.execute(statement).rowcount > 0


def refuse(engine: Engine, owner_id: str, identifier: str) -> bool:
    """Mark a waiting call as refused; False when it does not wait."""
    with engine.begin() as connection:
        values = {"state": "refused", "decided_at": now(connection), "result": "The person refused this call."}
        return connection.execute(update(approvals).where(_waiting(owner_id, identifier)).values(values)).rowcount > 0


def finish(engine: Engine, identifier: str, state: ApprovalState, result: str) -> None:
    """Note what a running call came to."""
    values = {"state": state, "result": result[:MAX_RESULT_CHARACTERS]}
    with engine.begin() as connection:
        running = approvals.c.id == identifier, approvals.c.state == "running"
        connection.execute(update(approvals).where(*running).values(values))


def forget_context(engine: Engine, owner_id: str, turn_id: str) -> bool:
    """Drop what a turn goes on from, for the one who gets True to take it further; it may hold text of documents."""
    held = approvals.c.owner_id == owner_id, approvals.c.turn_id == turn_id, approvals.c.context.is_not(None)
    with engine.begin() as connection:
        return connection.execute(update(approvals).where(*held).values(context=None)).rowcount > 0


def interrupt_running(engine: Engine) -> int:
    """Mark calls that run as interrupted; for the only server of a database, before it serves. Returns how many."""
    sentence = "The server stopped while this call ran: check by hand whether it went through."
    with engine.begin() as connection:
        running = update(approvals).where(approvals.c.state == "running")
        return connection.execute(running.values(state="interrupted", result=sentence)).rowcount


def forget_person(connection: Connection, owner_id: str) -> None:
    """Delete the approvals of a person who leaves, within the caller's transaction."""
    connection.execute(delete(approvals).where(approvals.c.owner_id == owner_id))


def _waiting(owner_id: str, identifier: str) -> ColumnElement[bool]:
    return (approvals.c.id == identifier) & (approvals.c.owner_id == owner_id) & (approvals.c.state == "waiting")


def _read(engine: Engine, *conditions: ColumnElement[bool], latest: bool = False) -> list[Approval]:
    order = approvals.c.created_at.desc() if latest else approvals.c.created_at
    with reading(engine) as connection:
        moment = now(connection)
        rows = connection.execute(select(approvals).where(*conditions).order_by(order).limit(_SHOWN)).all()
    return [_approval(row, moment) for row in rows]


def _approval(row: Row[Any], moment: float) -> Approval:
    expired = row.state == "waiting" and row.expires_at <= moment
    return Approval(
        id=row.id,
        owner_id=row.owner_id,
        turn_id=row.turn_id,
        conversation_id=row.conversation_id,
        skill=row.skill,
        arguments=json.loads(row.arguments),
        digest=row.digest,
        call_id=row.call_id,
        tainted=row.tainted,
        state="expired" if expired else row.state,
        question=row.question,
        model=row.model,
        context=json.loads(row.context) if row.context else {},
        result=row.result or "",
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
