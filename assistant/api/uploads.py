"""How documents come in: files streamed to disk in a thread, and pages by URL; answered when all of it is durable."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from assistant import conversations
from assistant.api import errors, limits, multipart
from assistant.api.auth import ADMIN, SIGNED_IN, Guarded
from assistant.api.deps import Id, Parts
from assistant.api.documents import document_json
from assistant.api.doors import Doors, Shared
from assistant.api.schemas import Json, UrlBody
from assistant.app import App
from assistant.attachments import attached, collection_for
from assistant.people.credentials import Credential
from assistant.threads import in_own_thread, in_thread
from assistant.types import Caller
from ingest.accept import Upload, accept_upload, accept_url, refuse, shown_path
from ingest.types import Accepted, Refusal
from knowledge import collections, documents
from knowledge.types import Document

router = APIRouter(route_class=Guarded, prefix="/api", tags=["knowledge"])

Signed = Annotated[Credential, Depends(SIGNED_IN)]
Admin = Annotated[Credential, Depends(ADMIN)]

MAX_READERS = 500


@dataclass(frozen=True, slots=True)
class Target:
    """Where files go, and how much of them."""

    collection_id: str
    max_bytes: int  # of the whole body
    max_files: int
    max_documents: int | None = None  # that may come of all files together, an archive's included; None: any number
    endings: frozenset[str] | None = None  # of file names, in lower case and without the dot; None: any
    shared: bool = True  # False: the sender cannot name readers


# FastAPI does not see the form, since nothing may read it into memory; hence its description by hand.
DESCRIBED: Json = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "readers": {"type": "array", "items": {"type": "string"}},
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            }
        },
    }
}


@router.get("/uploads")
async def read_limits(app: Parts, credential: Signed) -> Json:
    """Return how large an upload and its files may be, in bytes, and how many they may be."""
    api = app.settings.api
    return {
        "max_file_bytes": app.settings.ingest.limits.upload_bytes,
        "max_request_bytes": api.max_upload_bytes,
        "max_files": api.max_upload_files,
        "max_attachment_bytes": api.max_attachment_bytes,
    }


@router.post("/collections/{collection_id}/documents", status_code=202, openapi_extra=DESCRIBED)
async def upload(collection_id: Id, request: Request, app: Parts, doors: Shared, admin: Admin) -> Json:
    """Take files into a collection; when this answers, they are durable and in the queue."""
    collection = await in_thread(collections.get, app.engine, admin.caller.scope, collection_id)
    if collection is None:
        raise errors.unknown("collection")
    target = Target(collection.id, app.settings.api.max_upload_bytes, app.settings.api.max_upload_files)
    return _json(await receive(request, app, doors, admin.caller, target))


@router.post("/conversations/{conversation_id}/attachments", status_code=202, openapi_extra=DESCRIBED)
async def attach(conversation_id: Id, request: Request, app: Parts, doors: Shared, credential: Signed) -> Json:
    """Take files that only this conversation of the caller's sees."""
    caller = credential.caller
    await _refuse_foreign(app, caller, conversation_id)
    collection = await in_thread(collection_for, app.engine, caller.scope, caller.user_id, conversation_id)
    most, room = app.settings.api.max_attachments, app.settings.api.max_attachments - collection.n_documents
    if room <= 0:
        detail = f"This conversation has {most} attachments, its limit; delete some, or begin another conversation."
        raise errors.Refusal(409, "too-many-attachments", detail)
    target = Target(collection.id, app.settings.api.max_attachment_bytes, room, room)
    return _json(await receive(request, app, doors, caller, target))


@router.get("/conversations/{conversation_id}/attachments")
async def list_attachments(conversation_id: Id, app: Parts, credential: Signed) -> Json:
    """List the files attached to a conversation of the caller's."""
    caller = credential.caller
    await _refuse_foreign(app, caller, conversation_id)
    collection = await in_thread(attached, app.engine, caller.scope, conversation_id)
    if collection is None:
        return {"documents": [], "total": 0}
    found, total = await in_thread(documents.page, app.engine, caller.scope, collection.id, limit=500)
    return {"documents": [document_json(document) for document in found], "total": total}


@router.post("/collections/{collection_id}/urls", status_code=202)
async def add_url(collection_id: Id, body: UrlBody, app: Parts, doors: Shared, admin: Admin) -> Json:
    """Fetch a page through the guarded client and take it in."""
    collection = await in_thread(collections.get, app.engine, admin.caller.scope, collection_id)
    if collection is None:
        raise errors.unknown("collection")
    wanted = Upload(collection.id, body.url, (), admin.caller.name)
    async with doors.uploads.place(admin.caller.user_id):
        take = partial(accept_url, app.engine, app.files, app.settings.ingest, wanted)
        return _json(await in_own_thread(doors.writers, take))


async def _refuse_foreign(app: App, caller: Caller, conversation_id: str) -> None:
    if not await in_thread(conversations.owned, app.engine, caller.user_id, conversation_id):
        raise errors.unknown("conversation")


async def receive(request: Request, app: App, doors: Doors, caller: Caller, target: Target) -> Accepted:
    """Take the files of the request's body into a collection; raises the refusal of a body that is damaged."""
    limits.allow(request.scope, target.max_bytes, math.inf)
    too_large = limits.allow_to_begin(request.scope)
    boundary = multipart.boundary(request.headers.get("content-type"))
    pieces = multipart.pieces_in_thread(request.stream())
    take = partial(_refuse_unread if too_large else _take, app, caller, target, pieces, boundary)
    async with doors.uploads.place(caller.user_id):  # while all are taken the body waits unread, and so does its clock
        return await in_own_thread(doors.writers, take)


def _json(accepted: Accepted) -> Json:
    """Return what became of an upload."""
    return {
        "documents": [
            {"document": document.id, "path": document.path, "status": document.status}
            for document in accepted.documents
        ],
        "refused": [{"path": file.path, "reason": file.reason, "code": file.code} for file in accepted.refused],
    }


def _take(app: App, caller: Caller, target: Target, pieces: Iterator[bytes], boundary: bytes) -> Accepted:
    documents: list[Document] = []
    refused: list[Refusal] = []
    readers: list[str] = []
    for part in multipart.parts(pieces, boundary, target.max_files + MAX_READERS):
        if part.name == "readers" and part.filename is None and target.shared:
            if documents or refused or len(readers) >= MAX_READERS:
                raise errors.invalid("Send at most 500 fields 'readers', all of them before the files.", "readers")
            readers.append(part.text())
        elif part.name == "files" and part.filename is not None:
            if len(documents) + len(refused) >= target.max_files:
                raise errors.invalid(f"At most {target.max_files:,} files fit here; send the rest elsewhere.", "files")
            if target.endings is not None and _ending(part.filename) not in target.endings:
                refused.append(_of_another_kind(part.filename, target.endings))
                continue
            room = None if target.max_documents is None else target.max_documents - len(documents)
            upload = Upload(target.collection_id, part.filename, tuple(readers), caller.name, room)
            try:
                taken = accept_upload(app.engine, app.files, app.settings.ingest, upload, part.data)
            except errors.Refusal as exc:  # of the body, which ends in the middle of this file
                _note(app, upload, exc)
                raise
            documents += taken.documents
            refused += taken.refused
        else:
            raise errors.invalid(f"There is no field {part.name[:80]!r}; send files in 'files'.", "files")
    if not documents and not refused:
        raise errors.invalid("The upload holds no file; send at least one in the field 'files'.", "files")
    return Accepted(tuple(documents), tuple(refused))


def _refuse_unread(app: App, caller: Caller, target: Target, pieces: Iterator[bytes], boundary: bytes) -> Accepted:
    """Raise the refusal of a body that is too large by its own account, after a look at its first file's name."""
    refusal = errors.too_large(target.max_bytes)
    readers: list[str] = []
    with suppress(errors.Refusal):  # a damaged body is too large all the same
        for part in multipart.parts(pieces, boundary, MAX_READERS + 1):
            if part.filename is not None:
                _note(app, Upload(target.collection_id, part.filename, tuple(readers), caller.name), refusal)
                break
            readers.append(part.text())
    raise refusal


def _note(app: App, upload: Upload, refusal: errors.Refusal) -> None:
    refuse(app.engine, upload, Refusal(shown_path(upload.path), refusal.detail, refusal.code))


def _ending(name: str) -> str:
    _, dot, ending = name.rpartition(".")
    return ending.lower() if dot else ""


def _of_another_kind(name: str, endings: frozenset[str]) -> Refusal:
    kinds = ", ".join(f".{ending}" for ending in sorted(endings))
    return Refusal(shown_path(name), f"Only these files can be attached here: {kinds}.", "kind")
