"""Export and import of the caller's own chats."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from assistant import transfer
from assistant.api import errors
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Parts
from assistant.api.limits import allow
from assistant.api.schemas import Json
from assistant.people.credentials import Credential
from assistant.threads import in_thread

router = APIRouter(route_class=Guarded, prefix="/api", tags=["conversations"])

MAX_IMPORT_BYTES = 32 * 1024 * 1024  # a thousand long chats; held in memory while it is read
IMPORT_TIMEOUT_S = 120.0
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}
_EXPORTS: dict[int | str, Json] = {200: {"content": {"application/json": {}, "text/markdown": {}}}}

Signed = Annotated[Credential, Depends(SIGNED_IN)]
Chosen = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="One chat; left out: all")]


@router.get("/chats/export", response_model=None, responses=_EXPORTS)
async def export(
    app: Parts,
    credential: Signed,
    conversation: Chosen = None,
    form: Annotated[
        Literal["json", "markdown"], Query(alias="format", description="Markdown is for one chat")
    ] = "json",
) -> Response:
    """Return the caller's chats as a file: JSON of one or all, Markdown of one."""
    owner, scope = credential.caller.user_id, credential.caller.scope
    if form == "markdown":
        if conversation is None:
            raise errors.invalid("Markdown is for one chat; name it with 'conversation'.", "conversation")
        text = await in_thread(transfer.markdown, app.engine, owner, scope, conversation)
        if text is None:
            raise errors.unknown("conversation")
        return Response(text, media_type="text/markdown", headers=_attachment("chat.md"))
    found = await in_thread(transfer.exported, app.engine, owner, scope, conversation)
    if found is None:
        raise errors.unknown("conversation")
    return JSONResponse(found, headers=_attachment("chats.json"))


@router.post("/chats/import", status_code=201, openapi_extra=_BODY)
async def take_in(request: Request, app: Parts, credential: Signed) -> Json:
    """Take the chats of an export in, ours or Open WebUI's, all or none."""
    allow(request.scope, MAX_IMPORT_BYTES, IMPORT_TIMEOUT_S)
    chats = await in_thread(transfer.parsed, await request.body())
    return {"taken": await in_thread(transfer.taken_in, app.engine, credential.caller.user_id, chats)}


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
