"""Files that a widget's visitor attaches: seen in that one conversation, by that one visitor, and gone with it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from assistant import attachments
from assistant.api import errors
from assistant.api.auth import Guarded
from assistant.api.deps import Id, Parts
from assistant.api.doors import Shared
from assistant.api.schemas import Json
from assistant.api.uploads import DESCRIBED, Target, receive
from assistant.api.widget import Visit, pace_visitor
from assistant.api.widget_auth import Entry
from assistant.app import App
from assistant.threads import in_thread, in_writer_thread
from assistant.widgets import quota, visitors
from ingest.types import Accepted
from knowledge import documents
from knowledge.types import Collection, Document

router = APIRouter(route_class=Guarded, tags=["widget"])

_FORM_BYTES = 10_000  # of a body, for what surrounds the file
_SHOWN = 100


@router.post("/api/widget/{widget_id}/files", status_code=202, openapi_extra=DESCRIBED)
async def attach(widget_id: Id, request: Request, app: Parts, doors: Shared, visit: Visit) -> Json:
    """Take files into the visitor's conversation, begun now when there is none yet; counts like a question."""
    session, allowed = visit.visitor, visit.widget.profile.attachments
    if not allowed.allowed:
        raise errors.Refusal(409, "no-attachments", "Files cannot be attached in this chat.")
    pace_visitor(doors, visit)
    limits = visit.widget.profile.limits
    await in_thread(quota.check_files, app.engine, session.widget_id, limits)
    shown = await in_writer_thread(visitors.enter, app.engine, session, limits)
    scope = visit.caller.scope
    collection = await in_thread(attachments.collection_for, app.engine, scope, session.visitor_id, shown)
    room = allowed.max_files - collection.n_documents
    if room <= 0:
        detail = f"At most {allowed.max_files} files fit into one conversation; remove one, or begin a new chat."
        raise errors.Refusal(409, "too-many-attachments", detail)
    size = allowed.max_megabytes * 1_000_000 + _FORM_BYTES
    target = Target(collection.id, size, room, room, frozenset(allowed.endings), shared=False)
    taken = await receive(request, app, doors, visit.caller, target)
    return {"files": [_json(one) for one in await _files(app, visit)], "refused": _refused(taken)}


@router.get("/api/widget/{widget_id}/files")
async def list_files(widget_id: Id, app: Parts, visit: Visit) -> Json:
    """List the files attached to the conversation that is shown, and how far they were read."""
    return {"files": [_json(one) for one in await _files(app, visit)]}


@router.post("/api/widget/{widget_id}/files/{file_id}/remove", status_code=204)
async def remove(widget_id: Id, file_id: Id, app: Parts, visit: Visit) -> None:
    """Delete a file of the conversation that is shown."""
    if file_id not in {one.id for one in await _files(app, visit)}:
        raise errors.unknown("file")
    await in_thread(documents.delete, app.engine, visit.caller.scope, file_id)


async def _files(app: App, visit: Entry) -> list[Document]:
    found = await _collection(app, visit)
    if found is None:
        return []
    scope = visit.caller.scope
    return (await in_thread(documents.page, app.engine, scope, found.id, limit=_SHOWN))[0]


async def _collection(app: App, visit: Entry) -> Collection | None:
    """Return where the files of the shown conversation lie; looked up anew, since this request may have begun it."""
    session = await in_thread(visitors.find, app.engine, visit.widget.id, visit.visitor.id)
    if session is None or session.conversation_id is None:
        return None
    return await in_thread(attachments.attached, app.engine, visit.caller.scope, session.conversation_id)


def _json(one: Document) -> dict[str, Any]:
    return {"id": one.id, "name": one.path.rsplit("/", 1)[-1], "status": one.status, "reason": one.reason}


def _refused(taken: Accepted) -> list[Json]:
    return [{"name": one.path.rsplit("/", 1)[-1], "reason": one.reason} for one in taken.refused]
