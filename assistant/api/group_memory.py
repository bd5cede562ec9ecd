"""What groups remember: for their members alone, whoever else is an administrator."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends

from assistant.api import errors
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Id, Line, Parts
from assistant.api.schemas import GroupNoteBody, Json
from assistant.people.credentials import Credential
from assistant.threads import in_thread

router = APIRouter(route_class=Guarded, prefix="/api", tags=["memory"])

Signed = Annotated[Credential, Depends(SIGNED_IN)]


@router.get("/group-memory")
async def group_memory(app: Parts, credential: Signed) -> Json:
    """Return what the caller's groups remember, group by group."""
    found = await in_thread(app.memories.groups.notes, credential.caller.scope)
    return {"groups": [{"name": name, "notes": [asdict(note) for note in notes]} for name, notes in found.items()]}


@router.post("/group-memory/{name}", status_code=201)
async def add_group_note(name: Line, body: GroupNoteBody, app: Parts, credential: Signed) -> Json:
    """Remember something for a group that the caller is in; an older note of the same topic makes way for it."""
    note, replaced = await in_thread(app.memories.groups.add, credential.caller.scope, name, body.text)
    return {**asdict(note), "replaced": replaced}


@router.patch("/group-memory/{name}/{group_note_id}")
async def change_group_note(name: Line, group_note_id: Id, body: GroupNoteBody, app: Parts, credential: Signed) -> Json:
    """Change the text of a note; any member may."""
    scope = credential.caller.scope
    changed = await in_thread(app.memories.groups.change, scope, name, group_note_id, body.text)
    if changed is None:
        raise errors.unknown("note of a group of yours")
    return asdict(changed)


@router.delete("/group-memory/{name}/{group_note_id}", status_code=204)
async def remove_group_note(name: Line, group_note_id: Id, app: Parts, credential: Signed) -> None:
    """Delete a note, at once and for all members; any member may."""
    if not await in_thread(app.memories.groups.remove, credential.caller.scope, name, group_note_id):
        raise errors.unknown("note of a group of yours")
