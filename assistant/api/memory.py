"""Memory: what the caller asked to be remembered. Everything is the caller's own; administrators see nobody else's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends

from assistant.api import errors
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Id, Parts
from assistant.api.schemas import Json, MemorySwitch, NoteBody, NoteChange, NotesBody
from assistant.earlier import store as summaries
from assistant.logs import log
from assistant.memory.errors import MemoryFull, NoteUnusable
from assistant.people.credentials import Credential
from assistant.threads import in_thread

router = APIRouter(route_class=Guarded, prefix="/api", tags=["memory"])
_log = log("memory")

Signed = Annotated[Credential, Depends(SIGNED_IN)]


@router.get("/memory")
async def my_memory(app: Parts, credential: Signed) -> Json:
    """Return everything that is remembered about the caller, suggestions included; also the export."""
    scope = credential.caller.scope
    found = await in_thread(app.memories.notes, scope)
    chats = await in_thread(summaries.summaries, app.engine, credential.caller.user_id)
    return {
        "on": await in_thread(app.memories.is_on, scope),
        "available": app.settings.memory.enabled,
        "notes": [asdict(note) for note in found if note.status == "kept"],
        "suggestions": [asdict(note) for note in found if note.status == "suggested"],
        "chats": [{"conversation": one, "title": title, "summary": said} for one, title, said in chats],
    }


@router.put("/memory/switch", status_code=204)
async def switch_memory(body: MemorySwitch, app: Parts, credential: Signed) -> None:
    """Switch memory on or off for the caller; notes stay until they are deleted."""
    await in_thread(app.memories.switch, credential.caller.scope, body.on)


@router.post("/memory", status_code=201)
async def add_note(body: NoteBody, app: Parts, credential: Signed) -> Json:
    """Remember something; an older note of the same topic makes way for it."""
    kept = await in_thread(app.memories.add, credential.caller.scope, body.text, body.kind, "page")
    return {**asdict(kept.note), "replaced": bool(kept.replaced), "replaces": list(kept.replaced)}


@router.post("/memory/import")
async def import_notes(body: NotesBody, app: Parts, credential: Signed) -> Json:
    """Take in notes of an export; those that cannot be kept are named with the reason."""
    refused: list[Json] = []
    for number, note in enumerate(body.notes, start=1):
        try:
            await in_thread(app.memories.add, credential.caller.scope, note.text, note.kind, "import")
        except (NoteUnusable, MemoryFull) as error:
            refused.append({"n": number, "reason": str(error)})
    return {"taken": len(body.notes) - len(refused), "refused": refused}


@router.patch("/memory/{note_id}")
async def change_note(note_id: Id, body: NoteChange, app: Parts, credential: Signed) -> Json:
    """Change a note, or keep a suggestion."""
    scope, keep = credential.caller.scope, body.keep is True
    changed = await in_thread(app.memories.change, scope, note_id, body.text, body.kind, keep)
    if changed is None:
        raise errors.unknown("note")
    return asdict(changed)


@router.delete("/memory/{note_id}", status_code=204)
async def remove_note(note_id: Id, app: Parts, credential: Signed) -> None:
    """Delete a note, or dismiss a suggestion, at once."""
    if not await in_thread(app.memories.remove, credential.caller.scope, note_id):
        raise errors.unknown("note")


@router.delete("/memory")
async def forget_me(app: Parts, credential: Signed) -> Json:
    """Delete everything that is remembered about the caller, at once."""
    deleted = await in_thread(app.memories.remove_all, credential.caller.scope)
    _log.info("a person's memory was deleted", by=credential.caller.user_id)
    return {"deleted": deleted}
