"""Links to snapshots of chats: made, replaced and revoked by the owner, opened by anybody who is signed in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends

from assistant import sharing
from assistant.api import errors
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Id, Parts
from assistant.api.schemas import Json
from assistant.people.credentials import Credential
from assistant.threads import in_thread

router = APIRouter(route_class=Guarded, prefix="/api", tags=["conversations"])

Signed = Annotated[Credential, Depends(SIGNED_IN)]


@router.get("/conversations/{conversation_id}/share")
async def read_link(conversation_id: Id, app: Parts, credential: Signed) -> Json:
    """Return the link of a conversation of the caller."""
    found = await in_thread(sharing.link, app.engine, credential.caller.user_id, conversation_id)
    if found is None:
        raise errors.unknown("shared link")
    return asdict(found)


@router.put("/conversations/{conversation_id}/share")
async def share(conversation_id: Id, app: Parts, credential: Signed) -> Json:
    """Share the conversation as it stands now; an earlier link to it ends."""
    made = await in_thread(sharing.share, app.engine, credential.caller.user_id, conversation_id)
    if made is None:
        raise errors.unknown("conversation")
    return asdict(made)


@router.delete("/conversations/{conversation_id}/share", status_code=204)
async def revoke(conversation_id: Id, app: Parts, credential: Signed) -> None:
    """End the link at once."""
    if not await in_thread(sharing.revoke, app.engine, credential.caller.user_id, conversation_id):
        raise errors.unknown("shared link")


@router.get("/shared/{link_id}")
async def open_link(link_id: Id, app: Parts, credential: Signed) -> Json:
    """Return a shared chat; of its sources only those that the caller may read."""
    found = await in_thread(sharing.opened, app.engine, credential.caller.scope, link_id)
    if found is None:
        raise errors.unknown("shared chat")
    return asdict(found)
