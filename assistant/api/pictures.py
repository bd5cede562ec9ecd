"""Pictures that skills had made: each is its owner's own, or not there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from assistant import drawn
from assistant.api import errors
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Id, Parts
from assistant.api.schemas import Json
from assistant.people.credentials import Credential
from assistant.threads import in_thread

router = APIRouter(route_class=Guarded, prefix="/api", tags=["conversations"])

Signed = Annotated[Credential, Depends(SIGNED_IN)]
_SENT: dict[int | str, Json] = {200: {"content": {"image/png": {}, "image/jpeg": {}, "image/webp": {}}}}


@router.get("/pictures/{picture_id}", response_class=Response, responses=_SENT)
async def read_picture(picture_id: Id, app: Parts, credential: Signed) -> Response:
    """Return a picture that was made for the caller (`pictures` of an answer), as PNG, JPEG or WebP."""
    found = await in_thread(drawn.read, app.engine, credential.caller.user_id, picture_id)
    if found is None:
        raise errors.unknown("picture")
    # Its bytes never change, and nobody else may see them.
    return Response(found.data, media_type=found.media_type, headers={"Cache-Control": "private, max-age=86400"})
