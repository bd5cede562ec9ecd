"""Collections: everybody sees those they may read; administrators make, change and delete them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from assistant.api import errors
from assistant.api.auth import ADMIN, SIGNED_IN, Guarded
from assistant.api.deps import Id, Parts
from assistant.api.schemas import CollectionBody, CollectionChange, Json
from assistant.logs import log
from assistant.people.credentials import Credential
from assistant.threads import in_thread
from knowledge import collections
from knowledge.types import Collection

router = APIRouter(route_class=Guarded, prefix="/api", tags=["knowledge"])
_log = log("collections")

Signed = Annotated[Credential, Depends(SIGNED_IN)]
Admin = Annotated[Credential, Depends(ADMIN)]


@router.get("/collections")
async def list_collections(app: Parts, credential: Signed) -> Json:
    """List the collections that the caller may read, with what they hold for the caller."""
    found = await in_thread(collections.list_readable, app.engine, credential.caller.scope)
    return {"collections": [_json(collection) for collection in found]}


@router.post("/collections", status_code=201)
async def add_collection(body: CollectionBody, app: Parts, admin: Admin) -> Json:
    """Make a collection."""
    made = await in_thread(collections.create, app.engine, body.name, body.description, body.readers)
    _log.info("a collection was made", collection_id=made.id, by=admin.caller.user_id)
    return _json(made)


@router.patch("/collections/{collection_id}")
async def change_collection(collection_id: Id, body: CollectionChange, app: Parts, admin: Admin) -> Json:
    """Rename or describe a collection, or set its readers; it holds from the next search on."""
    change = (body.name, body.description, body.readers)
    changed = await in_thread(collections.update, app.engine, admin.caller.scope, collection_id, *change)
    if changed is None:
        raise errors.unknown("collection")
    _log.info(
        "a collection was changed",
        collection_id=changed.id,
        by=admin.caller.user_id,
        what=sorted(body.model_fields_set),
    )
    return _json(changed)


@router.delete("/collections/{collection_id}", status_code=204)
async def remove_collection(collection_id: Id, app: Parts, admin: Admin) -> None:
    """Delete a collection with all its documents."""
    if not await in_thread(collections.delete, app.engine, admin.caller.scope, collection_id):
        raise errors.unknown("collection")
    _log.info("a collection was deleted", collection_id=collection_id, by=admin.caller.user_id)


def _json(collection: Collection) -> Json:
    return {
        "id": collection.id,
        "name": collection.name,
        "description": collection.description,
        "readers": sorted(collection.readers),
        "n_documents": collection.n_documents,
        "n_chunks": collection.n_chunks,
        "updated_at": collection.updated_at.timestamp(),
    }
