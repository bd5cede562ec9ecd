"""Calls of skills that wait for a widget's visitor: decided by the visitor who asked, once, and by nobody else."""

from __future__ import annotations

from fastapi import APIRouter

from assistant import conversations
from assistant.api import approvals, errors
from assistant.api.auth import Guarded
from assistant.api.deps import Id, Parts
from assistant.api.doors import Doors, Shared, tokens_of
from assistant.api.schemas import Json
from assistant.api.widget import Visit, pace_visitor
from assistant.api.widget_auth import Entry
from assistant.api.widget_profile import in_profile
from assistant.api.widget_wire import turn_json
from assistant.app import App
from assistant.threads import in_thread, in_writer_thread
from assistant.types import TurnOptions
from assistant.widgets import quota

router = APIRouter(route_class=Guarded, tags=["widget"])


@router.post("/api/widget/{widget_id}/approvals/{approval_id}/approve")
async def approve(widget_id: Id, approval_id: Id, app: Parts, doors: Shared, visit: Visit) -> Json:
    """Run the call, once, with the visitor's rights of now, and take its turn further; again, it changes nothing."""
    return await _decided(app, doors, visit, approval_id, approved=True)


@router.post("/api/widget/{widget_id}/approvals/{approval_id}/refuse")
async def refuse(widget_id: Id, approval_id: Id, app: Parts, doors: Shared, visit: Visit) -> Json:
    """Refuse the call: it never runs, and its turn goes on without it."""
    return await _decided(app, doors, visit, approval_id, approved=False)


async def _decided(app: App, doors: Doors, visit: Entry, approval_id: str, approved: bool) -> Json:
    """Return the turn as it stands after the decision. A decision counts as a question: a model may go on from it."""
    session = visit.visitor
    asked = await approvals.own(app, visit.caller, approval_id)
    pace_visitor(doors, visit)
    async with doors.chats.place(session.visitor_id, "visitor"):
        await in_writer_thread(quota.count_message, app.engine, session, visit.widget.profile.limits)
        caller, options = await in_profile(app, visit, TurnOptions())
        answer = await approvals.decide(app, caller, approval_id, approved, options)
    if answer is not None:
        await in_writer_thread(quota.count_tokens, app.engine, asked.turn_id, tokens_of(answer))
    return {"turn": await _turn(app, visit, asked.conversation_id, asked.turn_id)}


async def _turn(app: App, visit: Entry, conversation_id: str | None, turn_id: str) -> Json:
    found, owner = None, visit.visitor.visitor_id
    if conversation_id is not None:
        found = await in_thread(conversations.read, app.engine, owner, conversation_id)
    turn = next((each for each in found.turns if each.id == turn_id), None) if found else None
    if turn is None:  # its transcript was deleted meanwhile
        raise errors.unknown("call that waits for you")
    return turn_json(turn)
