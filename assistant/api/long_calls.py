"""Long calls of skills: the caller's own, how far each is, and the end of one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from assistant.api import errors
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Id, Parts
from assistant.api.schemas import Json
from assistant.calling import long_calls
from assistant.calling.long_calls import LongCall
from assistant.people.credentials import Credential
from assistant.threads import in_thread

router = APIRouter(route_class=Guarded, prefix="/api", tags=["skills"])

Signed = Annotated[Credential, Depends(SIGNED_IN)]


@router.get("/long-calls")
async def list_long_calls(app: Parts, credential: Signed) -> Json:
    """List the caller's long calls: those that run, with how far they are, then those that have ended this week."""
    found = await in_thread(long_calls.page, app.engine, credential.caller.user_id)
    return {"calls": [_json(call) for call in found]}


@router.post("/long-calls/{call_id}/cancel")
async def cancel_long_call(call_id: Id, app: Parts, credential: Signed) -> Json:
    """End one call that runs; its turn goes on without it. A call that has ended stays as it is."""
    owner = credential.caller.user_id
    await in_thread(long_calls.cancel, app.engine, owner, call_id)
    found = await in_thread(long_calls.get, app.engine, owner, call_id)
    if found is None:
        raise errors.unknown("long call of yours")
    return _json(found)


def _json(call: LongCall) -> Json:
    return {
        "id": call.id,
        "skill": call.skill,
        "arguments": call.arguments,
        "state": call.state,
        "done": call.done,
        "note": call.note,
        "result": call.result,
        "turn_id": call.turn_id,
        "attempts": call.attempts,
        "created_at": call.created_at,
        "updated_at": call.updated_at,
    }
