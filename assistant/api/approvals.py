"""Calls that wait for their originator: shown to them alone, approved or refused by them alone."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends

from assistant.api import companions, errors
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Id, Parts
from assistant.api.schemas import Json
from assistant.app import App
from assistant.calling import approvals
from assistant.calling.approvals import Approval
from assistant.people.credentials import Credential
from assistant.threads import in_thread
from assistant.types import Answer, Caller, Turn, TurnOptions
from assistant.wire import answer_json, approval_json

router = APIRouter(route_class=Guarded, prefix="/api", tags=["skills"])

Signed = Annotated[Credential, Depends(SIGNED_IN)]


@router.get("/approvals")
async def list_approvals(app: Parts, credential: Signed) -> Json:
    """List the caller's calls that wait for approval, and those decided last."""
    found = await in_thread(approvals.page, app.engine, credential.caller.user_id)
    return {"approvals": [_json(approval) for approval in found]}


@router.get("/approvals/{approval_id}")
async def read_approval(approval_id: Id, app: Parts, credential: Signed) -> Json:
    """Return one of the caller's calls, exactly as it would run, and what became of it."""
    return _json(await own(app, credential.caller, approval_id))


@router.post("/approvals/{approval_id}/approve")
async def approve(approval_id: Id, app: Parts, credential: Signed) -> Json:
    """Run the call, once, with the caller's rights of now, and take its turn further; again, it changes nothing."""
    return await _decided(app, credential.caller, approval_id, approved=True)


@router.post("/approvals/{approval_id}/refuse")
async def refuse(approval_id: Id, app: Parts, credential: Signed) -> Json:
    """Refuse the call: it never runs, and its turn goes on without it."""
    return await _decided(app, credential.caller, approval_id, approved=False)


async def decide(
    app: App, caller: Caller, approval_id: str, approved: bool, options: TurnOptions | None = None
) -> Answer | None:
    """Carry out what the caller decided about a call of theirs and return how its turn goes on, as `options` say.

    Raises the refusal of a call that is not the caller's or does not exist.
    """
    asked = await own(app, caller, approval_id)
    decisions = ((approval_id, approved),)
    options = replace(options or TurnOptions(), conversation_id=asked.conversation_id, decisions=decisions)
    kept = await companions.asked(app, caller, options.model, None, asked.conversation_id)
    caller, options = await companions.joined(app, caller, options, kept)
    turn = Turn(uuid4().hex, asked.question, (), caller, options)
    # Shielded: a call that has begun is carried out and noted, whether or not the client waits for it.
    return await asyncio.shield(asyncio.create_task(_answered(app, turn)))


async def _decided(app: App, caller: Caller, approval_id: str, approved: bool) -> Json:
    answer = await decide(app, caller, approval_id, approved)
    return {**_json(await own(app, caller, approval_id)), "answer": answer_json(answer) if answer else None}


async def _answered(app: App, turn: Turn) -> Answer | None:
    answer = None
    async with asyncio.timeout(app.settings.api.chat_timeout_s), aclosing(app.turns.run(turn)) as events:
        async for event in events:
            answer = event.answer or answer
    return answer


async def own(app: App, caller: Caller, approval_id: str) -> Approval:
    """Return a call that waits, or waited, for the caller; raises the refusal of any other."""
    found = await in_thread(approvals.get, app.engine, caller.user_id, approval_id)
    if found is None:
        raise errors.unknown("call that waits for you")
    return found


def _json(approval: Approval) -> Json:
    return {
        **approval_json(approval.call),
        "turn_id": approval.turn_id,
        "conversation_id": approval.conversation_id,
        "question": approval.question,
        "result": approval.result,
        "created_at": approval.created_at,
    }
