"""Search without an answer, the passage behind a citation, and embeddings."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query

from assistant.api import errors
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.deps import Id, Parts
from assistant.api.doors import Shared
from assistant.api.schemas import EmbeddingBody, Json, SearchBody
from assistant.people.credentials import Credential
from assistant.threads import in_thread
from knowledge import chunks, collections, documents
from knowledge.types import Passage

router = APIRouter(route_class=Guarded)

EMBEDDING_MODEL = "assistant-embedding"
Signed = Annotated[Credential, Depends(SIGNED_IN)]


@router.post("/api/search", tags=["knowledge"])
async def search(body: SearchBody, app: Parts, doors: Shared, credential: Signed) -> Json:
    """Return the passages closest to a query that the caller may read, with the score of each stage."""
    caller = credential.caller
    for name in body.collections or ():
        if await in_thread(collections.get, app.engine, caller.scope, name) is None:
            raise errors.unknown(f"collection {name[:80]!r}")
    names = None if body.collections is None else tuple(body.collections)
    async with doors.searches.place(caller.user_id):
        found = await app.searcher.search_detailed(body.query, caller.scope, names, body.limit)
    return {
        "results": [_passage_json(passage) for passage in found.passages],
        "searched": list(found.searched),
        "n_candidates": found.n_candidates,
        "timings_ms": found.timings_ms,
        "notice": found.notice,
    }


@router.get("/api/passages/{chunk_id}", tags=["knowledge"])
async def passage(chunk_id: Id, app: Parts, credential: Signed, around: Annotated[int, Query(ge=0, le=10)] = 1) -> Json:
    """Return a passage with its neighbours in the document, for reading a citation in place."""
    scope = credential.caller.scope
    near = await in_thread(chunks.around, app.engine, scope, chunk_id, around)
    here = next((position for position, chunk in enumerate(near) if chunk.id == chunk_id), None)
    document = None if here is None else await in_thread(documents.get, app.engine, scope, near[here].document_id)
    if here is None or document is None:
        raise errors.unknown("passage")
    return {
        "document": document.id,
        "title": document.title,
        "path": document.path,
        "chunk": chunk_id,
        "page": near[here].page,
        "heading": near[here].heading,
        "anchor": near[here].anchor,
        "before": "\n\n".join(chunk.text for chunk in near[:here]),
        "text": near[here].text,
        "after": "\n\n".join(chunk.text for chunk in near[here + 1 :]),
    }


@router.post("/v1/embeddings", tags=["openai"])
async def embed(body: EmbeddingBody, app: Parts, doors: Shared, credential: Signed) -> Json:
    """Return one unit vector per text, made by the embedding model that search uses."""
    if body.model not in (EMBEDDING_MODEL, app.embedder.name):
        detail = f"There is no embedding model {body.model[:80]!r}; use {EMBEDDING_MODEL!r}."
        raise errors.Refusal(404, "model-not-found", detail, parameter="model")
    if body.dimensions not in (None, app.embedder.dimension):
        raise errors.invalid(
            f"The vectors have {app.embedder.dimension} dimensions; leave out 'dimensions'.", "dimensions"
        )
    async with doors.searches.place(credential.caller.user_id):
        vectors = await in_thread(app.embedder.embed, body.input)
    tokens = sum(len(text.split()) for text in body.input)  # words: the embedder does not tell its tokens
    return {
        "object": "list",
        "model": app.embedder.name,
        "data": [
            {"object": "embedding", "index": index, "embedding": _encoded(vector, body.encoding_format)}
            for index, vector in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _encoded(vector: np.ndarray[tuple[int], np.dtype[np.float32]], form: str) -> list[float] | str:
    if form == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(value) for value in vector]


def _passage_json(found: Passage) -> Json:
    return {
        "document": found.document_id,
        "title": found.title,
        "page": found.page,
        "chunk": found.chunk_id,
        "text": found.text,
        "score": found.score,
        "heading": found.heading,
        "path": found.path,
        "collection": found.collection_id,
        "anchor": found.anchor,
        "scores": asdict(found.scores),
    }
