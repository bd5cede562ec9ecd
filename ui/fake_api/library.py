"""Collections, documents and search of the stand-in."""

from __future__ import annotations

import time
from collections import Counter
from urllib.parse import urlsplit

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, done, missing, problem, signed_in, text_of, texts_of
from ui.fake_api.records import FakeChunk, FakeCollection, FakeDocument, FakeUser
from ui.fake_api.world import World

MAX_FILES = 3  # of one request
UNREADABLE = (".exe", ".bin", ".iso")


def routes() -> list[Route]:
    """Return the routes about documents."""
    return [
        Route("/api/collections", signed_in(list_collections), methods=["GET"]),
        Route("/api/collections", signed_in(add_collection, admin=True), methods=["POST"]),
        Route("/api/collections/{id}", signed_in(change_collection, admin=True), methods=["PATCH"]),
        Route("/api/collections/{id}", signed_in(delete_collection, admin=True), methods=["DELETE"]),
        Route("/api/collections/{id}/documents", signed_in(upload, admin=True), methods=["POST"]),
        Route("/api/collections/{id}/urls", signed_in(add_url, admin=True), methods=["POST"]),
        Route("/api/uploads", signed_in(upload_limits)),
        Route("/api/documents", signed_in(list_documents)),
        Route("/api/documents/bulk", signed_in(bulk, admin=True), methods=["POST"]),
        Route("/api/documents/{id}", signed_in(document), methods=["GET"]),
        Route("/api/documents/{id}", signed_in(change_document, admin=True), methods=["PATCH"]),
        Route("/api/documents/{id}/text", signed_in(document_text)),
        Route("/api/documents/{id}/chunks", signed_in(document_chunks)),
        Route("/api/documents/{id}/file", signed_in(document_file)),
        Route("/api/chunks/{id}", signed_in(change_chunk, admin=True), methods=["PATCH"]),
        Route("/api/search", signed_in(search), methods=["POST"]),
        Route("/api/passages/{id}", signed_in(passage)),
    ]


def _collection_json(world: World, collection: FakeCollection) -> dict[str, object]:
    mine = [document for document in world.documents.values() if document.collection_id == collection.id]
    return {
        "id": collection.id,
        "name": collection.name,
        "description": collection.description,
        "readers": collection.readers,
        "n_documents": sum(document.media_type != "" for document in mine),
        "n_chunks": sum(len(document.chunks) for document in mine if document.status == "ready"),
        "updated_at": collection.updated_at,
    }


async def list_collections(world: World, user: FakeUser, _request: Request) -> Response:
    """Return what the caller may read."""
    return JSONResponse({"collections": [_collection_json(world, one) for one in world.readable(user)]})


async def add_collection(world: World, _user: FakeUser, request: Request) -> Response:
    """Create a collection."""
    body = await body_of(request)
    made = world.add_collection(text_of(body, "name"), tuple(texts_of(body, "readers")), text_of(body, "description"))
    return JSONResponse(_collection_json(world, made), 201)


async def change_collection(world: World, _user: FakeUser, request: Request) -> Response:
    """Change a collection."""
    collection, body = world.collections.get(request.path_params["id"]), await body_of(request)
    if collection is None:
        return missing("collection")
    collection.name = text_of(body, "name") or collection.name
    collection.description = text_of(body, "description") if "description" in body else collection.description
    collection.readers = texts_of(body, "readers") if "readers" in body else collection.readers
    return JSONResponse(_collection_json(world, collection))


async def delete_collection(world: World, _user: FakeUser, request: Request) -> Response:
    """Delete a collection with its documents."""
    if world.collections.pop(request.path_params["id"], None) is None:
        return missing("collection")
    world.documents = {
        key: row for key, row in world.documents.items() if row.collection_id != request.path_params["id"]
    }
    return done()


async def upload_limits(_world: World, _user: FakeUser, _request: Request) -> Response:
    """Return how large uploads may be."""
    sizes = {"max_file_bytes": 2**30, "max_request_bytes": 2**30, "max_attachment_bytes": 100_000_000}
    return JSONResponse({**sizes, "max_files": MAX_FILES})


async def upload(world: World, user: FakeUser, request: Request) -> Response:
    """Take files into a collection."""
    collection = world.collections.get(request.path_params["id"])
    return missing("collection") if collection is None else await take(world, user, collection, request)


async def take(world: World, user: FakeUser, collection: FakeCollection, request: Request) -> Response:
    """Take the files of a multipart body; programs are refused."""
    form = await request.form(max_part_size=64 * 1024 * 1024)
    if len(form.getlist("files")) > MAX_FILES:
        return problem(422, "Refused", f"At most {MAX_FILES} files fit here; send the rest elsewhere.", "invalid")
    accepted: list[dict[str, object]] = []
    refused: list[dict[str, object]] = []
    for file in form.getlist("files"):
        if not isinstance(file, UploadFile):
            continue
        path = file.filename or "file"
        if path.endswith(UNREADABLE):
            refused.append(world.refuse_document(collection, path, "This kind of file cannot be read.", user.name))
            continue
        text = (await file.read()).decode("utf-8", "replace")
        made = world.add_document(collection, path, text, user.name)
        made.media_type = file.content_type or made.media_type
        accepted.append({"document": made.id, "path": path, "status": made.status})
    collection.updated_at = time.time()
    return JSONResponse({"documents": accepted, "refused": refused}, 202)


async def add_url(world: World, user: FakeUser, request: Request) -> Response:
    """Take a web address in; the stand-in reads nothing from it, and finds no host whose name ends in .invalid."""
    collection, body = world.collections.get(request.path_params["id"]), await body_of(request)
    if collection is None:
        return missing("collection")
    if (urlsplit(text_of(body, "url")).hostname or "").endswith(".invalid"):
        refusal = world.refuse_document(collection, text_of(body, "url"), "The host could not be found.", user.name)
        return JSONResponse({"documents": [], "refused": [{**refusal, "code": "unreachable"}]}, 202)
    made = world.add_document(collection, text_of(body, "url"), f"A page at {body.get('url')}.", user.name)
    return JSONResponse({"documents": [{"document": made.id, "path": made.path, "status": made.status}]}, 202)


async def list_documents(world: World, user: FakeUser, request: Request) -> Response:
    """Return one page of documents, newest first."""
    query = request.query_params
    allowed = {collection.id for collection in world.readable(user)}
    rows = [
        row
        for row in reversed(world.documents.values())
        if row.collection_id in allowed
        and query.get("collection", row.collection_id) == row.collection_id
        and query.get("q", "").lower() in row.path.lower()
    ]
    counts = Counter(row.status for row in rows)
    rows = [row for row in rows if query.get("status", row.status) == row.status]
    start, limit = int(query.get("offset", "0")), int(query.get("limit", "50"))
    shown = [row.json() for row in rows[start : start + limit]]
    return JSONResponse({"documents": shown, "total": len(rows), "counts": counts})


async def document(world: World, user: FakeUser, request: Request) -> Response:
    """Return one document."""
    found = world.document_for(user, request.path_params["id"])
    return missing("document") if found is None else JSONResponse(found.json())


async def change_document(world: World, user: FakeUser, request: Request) -> Response:
    """Change a document's title or readers."""
    found, body = world.document_for(user, request.path_params["id"]), await body_of(request)
    if found is None:
        return missing("document")
    found.title = text_of(body, "title") or found.title
    found.readers = texts_of(body, "readers") if "readers" in body else found.readers
    return JSONResponse(found.json())


async def bulk(world: World, _user: FakeUser, request: Request) -> Response:
    """Retry, cancel or delete several documents."""
    body = await body_of(request)
    for document_id in texts_of(body, "ids"):
        row = world.documents.get(document_id)
        if row is None:
            continue
        if body.get("action") == "delete":
            del world.documents[document_id]
        elif body.get("action") == "cancel":
            row.cancelled = row.status in ("queued", "running") or row.cancelled
        else:
            row.cancelled, row.reason, row.started_at = False, None, time.time()
    return JSONResponse({"done": len(texts_of(body, "ids"))})


async def document_text(world: World, user: FakeUser, request: Request) -> Response:
    """Return the text of a document."""
    found = world.document_for(user, request.path_params["id"])
    return missing("document") if found is None else JSONResponse({"text": found.content.decode("utf-8", "replace")})


async def document_chunks(world: World, user: FakeUser, request: Request) -> Response:
    """Return some chunks of a document."""
    found = world.document_for(user, request.path_params["id"])
    if found is None:
        return missing("document")
    start, limit = int(request.query_params.get("offset", "0")), int(request.query_params.get("limit", "50"))
    rows = [
        {"id": c.id, "n": n, "text": c.text, "heading": c.heading, "page": c.page, "anchor": "", "enabled": c.enabled}
        for n, c in enumerate(found.chunks)
    ]
    return JSONResponse({"chunks": rows[start : start + limit], "total": len(rows)})


async def document_file(world: World, user: FakeUser, request: Request) -> Response:
    """Return a document's bytes as an attachment."""
    found = world.document_for(user, request.path_params["id"])
    if found is None:
        return missing("document")
    headers = {"Content-Disposition": 'attachment; filename="document"', "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type="application/octet-stream", headers=headers)


async def change_chunk(world: World, _user: FakeUser, request: Request) -> Response:
    """Hide a chunk from search, or show it again."""
    found = _find(world, request.path_params["id"])
    if found is None:
        return missing("passage")
    found[1].chunks[found[2]].enabled = (await body_of(request)).get("enabled") is True
    return done()


async def search(world: World, user: FakeUser, request: Request) -> Response:
    """Return the passages that share most words with the query."""
    body = await body_of(request)
    chosen = world.readable(user, texts_of(body, "collections") or None)
    limit = body.get("limit")
    hits = world.search(chosen, text_of(body, "query"), limit if isinstance(limit, int) else 8)
    return JSONResponse(
        {
            "results": [hit_json(world, hit) for hit in hits],
            "searched": [collection.name for collection in chosen],
            "notice": world.faults.half_searched or None,
            "timings_ms": {"dense": 4.1, "keyword": 0.9, "fuse": 0.1, "total": 7.4},
        }
    )


def hit_json(world: World, hit: tuple[float, FakeDocument, FakeChunk]) -> dict[str, object]:
    """Return a found passage as the API shows it."""
    share, document, chunk = hit
    return {
        "document": document.id,
        "title": document.title,
        "page": chunk.page,
        "chunk": chunk.id,
        "text": chunk.text,
        "score": round(share, 3),
        "heading": chunk.heading,
        "path": document.path,
        "collection": document.collection_id,
        "anchor": "",
        "scores": {
            "dense": round(0.2 + share * 0.6, 3),
            "keyword": round(share * 11, 2),
            "fused": round(share / 30, 4),
            "rerank": None,
        },
    }


async def passage(world: World, user: FakeUser, request: Request) -> Response:
    """Return a passage with its neighbours."""
    found = _find(world, request.path_params["id"])
    if found is None or world.document_for(user, found[0]) is None:
        return missing("passage")
    document, at = found[1], found[2]
    around = int(request.query_params.get("around", "1"))
    chunk = document.chunks[at]
    return JSONResponse(
        {
            "document": document.id,
            "title": document.title,
            "page": chunk.page,
            "heading": chunk.heading,
            "before": "\n\n".join(one.text for one in document.chunks[max(0, at - around) : at]),
            "text": chunk.text,
            "after": "\n\n".join(one.text for one in document.chunks[at + 1 : at + 1 + around]),
        }
    )


def _find(world: World, chunk_id: str) -> tuple[str, FakeDocument, int] | None:
    for document in world.documents.values():
        for at, chunk in enumerate(document.chunks):
            if chunk.id == chunk_id:
                return document.id, document, at
    return None
