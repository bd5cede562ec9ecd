"""Documents once they are taken: their fate, what was read from them, and the files themselves.

Everybody sees documents that they may read. Administrators change documents of shared collections; attachments of a
conversation belong to the conversation's owner alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from assistant import conversations
from assistant.api import errors
from assistant.api.auth import ADMIN, SIGNED_IN, Guarded
from assistant.api.deps import Id, Line, Parts
from assistant.api.responses import file_response
from assistant.api.schemas import BulkBody, ChunkChange, DocumentChange, Json
from assistant.app import App
from assistant.logs import log
from assistant.people.credentials import Credential
from assistant.threads import in_thread
from assistant.types import Caller
from ingest import jobs
from knowledge import chunks, collections, documents
from knowledge.types import REFUSED, Chunk, Document

router = APIRouter(route_class=Guarded, prefix="/api", tags=["knowledge"])
_log = log("documents")

Signed = Annotated[Credential, Depends(SIGNED_IN)]
Admin = Annotated[Credential, Depends(ADMIN)]
Action = Literal["retry", "cancel", "delete"]

_DOWNLOAD: dict[int | str, Json] = {200: {"content": {"application/octet-stream": {}}}}
MAX_TEXT_CHARACTERS = 5_000_000
_CHUNKS_AT_ONCE = 500
_NOT_KEPT = "This file was refused, and nothing of it is kept; upload one that can be taken."


@router.get("/documents")
async def list_documents(
    app: Parts,
    credential: Signed,
    collection: Annotated[Line | None, Query(description="Id or name of one collection")] = None,
    status: Literal["queued", "running", "ready", "failed", "cancelled"] | None = None,
    q: Annotated[Line | None, Query(description="Text in title or path")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Json:
    """List documents that the caller may read, newest first; `counts` are those of all statuses."""
    scope, chosen = credential.caller.scope, None
    if collection is not None:
        found = await in_thread(collections.get, app.engine, scope, collection)
        if found is None:
            raise errors.unknown("collection")
        chosen = found.id
    page, total = await in_thread(documents.page, app.engine, scope, chosen, status, q, limit, offset)
    counts = await in_thread(documents.counts, app.engine, scope, chosen, q)
    return {"documents": [document_json(document) for document in page], "total": total, "counts": counts}


@router.get("/documents/{document_id}")
async def read_document(document_id: Id, app: Parts, credential: Signed) -> Json:
    """Return a document's row."""
    return document_json(await _readable(app, credential.caller, document_id))


@router.get("/documents/{document_id}/text")
async def read_text(document_id: Id, app: Parts, credential: Signed) -> Json:
    """Return what was read from a document, as one text."""
    await _readable(app, credential.caller, document_id)
    return {"text": await in_thread(_text, app, credential.caller, document_id)}


@router.get("/documents/{document_id}/chunks")
async def list_chunks(
    document_id: Id,
    app: Parts,
    credential: Signed,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Json:
    """Return the pieces of a document as search sees them."""
    scope = credential.caller.scope
    await _readable(app, credential.caller, document_id)
    found, total = await in_thread(chunks.page, app.engine, scope, document_id, offset, limit)
    return {"chunks": [_chunk_json(chunk) for chunk in found], "total": total}


@router.patch("/chunks/{chunk_id}")
async def change_chunk(chunk_id: Id, body: ChunkChange, app: Parts, admin: Admin) -> Json:
    """Let searches return a chunk, or not."""
    changed = await in_thread(chunks.set_enabled, app.engine, admin.caller.scope, chunk_id, body.enabled)
    if changed is None:
        raise errors.unknown("chunk")
    return _chunk_json(changed)


@router.get("/documents/{document_id}/file", response_model=None, responses=_DOWNLOAD)
async def download(document_id: Id, app: Parts, credential: Signed) -> Response:
    """Return the file as it was uploaded, always as a download."""
    document = await _readable(app, credential.caller, document_id)
    if document.stage == REFUSED:
        raise errors.Refusal(404, "file-missing", _NOT_KEPT)
    try:
        file = await in_thread(app.files.open, document.sha256)
    except FileNotFoundError:
        raise errors.Refusal(404, "file-missing", "The file of this document is gone; upload it again.") from None
    return file_response(file, document.path.rsplit("/", 1)[-1] or "document", document.size)


@router.patch("/documents/{document_id}")
async def change_document(document_id: Id, body: DocumentChange, app: Parts, admin: Admin) -> Json:
    """Rename a document, or set its own readers; it holds from the next search on."""
    scope = admin.caller.scope
    document: Document | None = await _readable(app, admin.caller, document_id)
    if body.title is not None:
        document = await in_thread(documents.set_title, app.engine, scope, document_id, body.title)
    if body.readers is not None:
        document = await in_thread(documents.set_readers, app.engine, scope, document_id, body.readers)
    if document is None:
        raise errors.unknown("document")
    _log.info(
        "a document was changed", document_id=document_id, by=admin.caller.user_id, what=sorted(body.model_fields_set)
    )
    return document_json(document)


@router.delete("/documents/{document_id}", status_code=204)
async def remove_document(document_id: Id, app: Parts, credential: Signed) -> None:
    """Delete a document with everything that was read from it; from then on no search returns it."""
    await _act(app, credential.caller, document_id, "delete")


@router.post("/documents/{document_id}/retry", status_code=202)
async def retry(document_id: Id, app: Parts, credential: Signed) -> Json:
    """Take a document in once more."""
    await _act(app, credential.caller, document_id, "retry")
    return document_json(await _readable(app, credential.caller, document_id))


@router.post("/documents/{document_id}/cancel", status_code=202)
async def cancel(document_id: Id, app: Parts, credential: Signed) -> Json:
    """Stop taking a document in; what was stored of an earlier version stays."""
    await _act(app, credential.caller, document_id, "cancel")
    return document_json(await _readable(app, credential.caller, document_id))


@router.post("/documents/bulk")
async def act_on_many(body: BulkBody, app: Parts, credential: Signed) -> Json:
    """Do one thing with many documents; each id that is not the caller's to know or change is listed as missing.

    So is a refused file that is to be retried: there is nothing to read.
    """
    done, missing = [], []
    for document_id in dict.fromkeys(body.ids):
        try:
            await _act(app, credential.caller, document_id, body.action)
            done.append(document_id)
        except errors.Refusal:
            missing.append(document_id)
    return {"done": done, "missing": missing}


async def _readable(app: App, caller: Caller, document_id: str) -> Document:
    document = await in_thread(documents.get, app.engine, caller.scope, document_id)
    if document is None:
        raise errors.unknown("document")
    return document


async def _act(app: App, caller: Caller, document_id: str, action: Action) -> None:
    """Do `action`, if the document is there for the caller and theirs to change."""
    document = await _readable(app, caller, document_id)
    collection = await in_thread(collections.get, app.engine, caller.scope, document.collection_id)
    private = None if collection is None else collection.private_to
    own = private is not None and await in_thread(conversations.owned, app.engine, caller.user_id, private)
    if not own and not caller.is_admin:
        raise errors.not_allowed("Only an administrator may change shared documents; ask one.")
    if action == "retry" and document.stage == REFUSED:
        raise errors.Refusal(409, "file-missing", _NOT_KEPT)
    if action == "delete":
        await in_thread(documents.delete, app.engine, caller.scope, document_id)
    elif action == "retry":
        await in_thread(documents.requeue, app.engine, caller.scope, document_id)
    else:
        await in_thread(jobs.cancel, app.engine, [document_id])
    _log.info("a document was changed", document_id=document_id, by=caller.user_id, what=action)


def _text(app: App, caller: Caller, document_id: str) -> str:
    """Return the chunks as one text, each heading once and what neighbours share once."""
    pieces: list[str] = []
    heading, size, offset = "", 0, 0
    while size < MAX_TEXT_CHARACTERS:
        found, _ = chunks.page(app.engine, caller.scope, document_id, offset, _CHUNKS_AT_ONCE)
        for chunk in found:
            if chunk.heading != heading:
                heading = chunk.heading
                pieces.append(f"\n{heading}\n" if heading else "")
            new = chunk.text[_shared(pieces[-1] if pieces else "", chunk.text) :]
            pieces.append(new)
            size += len(new)
        offset += len(found)
        if len(found) < _CHUNKS_AT_ONCE:
            break
    return "\n".join(piece for piece in pieces if piece).strip()[:MAX_TEXT_CHARACTERS]


def _shared(before: str, after: str) -> int:
    """Return how many characters at the end of `before` are repeated at the start of `after`."""
    longest = min(len(before), len(after), 400)
    return next((size for size in range(longest, 15, -1) if before.endswith(after[:size])), 0)


def document_json(document: Document) -> Json:
    """Return a document's row as the API shows it."""
    return {
        "id": document.id,
        "collection_id": document.collection_id,
        "title": document.title,
        "path": document.path,
        "media_type": document.media_type,
        "size": document.size,
        "sha256": document.sha256,
        "readers": sorted(document.readers),
        "status": document.status,
        "stage": document.stage,
        "progress": document.progress,
        "seconds_left": document.seconds_left,
        "reason": document.reason,
        "n_chunks": document.n_chunks,
        "uploaded_by": document.uploaded_by,
        "created_at": document.created_at.timestamp(),
        "updated_at": document.updated_at.timestamp(),
    }


def _chunk_json(chunk: Chunk) -> Json:
    return {
        "id": chunk.id,
        "n": chunk.n,
        "text": chunk.text,
        "heading": chunk.heading,
        "page": chunk.page,
        "anchor": chunk.anchor,
        "enabled": chunk.enabled,
    }
