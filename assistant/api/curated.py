"""Curated answers: administrators write what is answered to questions that are often asked."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from assistant.api import errors
from assistant.api.auth import ADMIN, Guarded
from assistant.api.deps import Id, Line, Parts, Text
from assistant.api.schemas import Json, Readers, Strict
from assistant.curated import store
from assistant.curated.store import Curated, Written
from assistant.logs import log
from assistant.people.credentials import Credential
from assistant.threads import in_thread

router = APIRouter(route_class=Guarded, prefix="/api/curated", tags=["curated"])
_log = log("curated")

Admin = Annotated[Credential, Depends(ADMIN)]
Question = Annotated[Text, Field(min_length=1, max_length=2_000)]
Source = Annotated[Line, Field(pattern=r"^[A-Za-z0-9_.:-]{1,80}$", description="The id of a passage: its 'chunk'")]


class CuratedBody(Strict):
    """A curated answer, whole."""

    questions: list[Question] = Field(min_length=1, max_length=store.MAX_QUESTIONS)
    answer: Annotated[Text, Field(min_length=1, max_length=20_000)]
    sources: list[Source] = Field(default=[], max_length=store.MAX_SOURCES)
    readers: Readers = ["everyone"]
    enabled: bool = True

    def written(self) -> Written:
        """Return what is to be stored."""
        questions, sources = tuple(self.questions), tuple(self.sources)
        return Written(questions, self.answer, sources, frozenset(self.readers), self.enabled)


@router.get("")
async def list_curated(app: Parts, admin: Admin) -> Json:
    """Return every curated answer, the latest first, each with the sources that are gone."""
    found = await in_thread(store.listed, app.engine, admin.caller.scope)
    return {"curated": [_json(one) for one in found]}


@router.post("", status_code=201)
async def add_curated(body: CuratedBody, app: Parts, admin: Admin) -> Json:
    """Write an answer; it is given from the next question on."""
    caller = admin.caller
    made = await in_thread(store.add, app.engine, caller.scope, body.written(), caller.user_id)
    _log.info("curated answer written", curated_id=made.id, by=caller.user_id)
    return _json(made)


@router.put("/{curated_id}")
async def change_curated(curated_id: Id, body: CuratedBody, app: Parts, admin: Admin) -> Json:
    """Write an answer anew."""
    caller = admin.caller
    made = await in_thread(store.change, app.engine, caller.scope, curated_id, body.written(), caller.user_id)
    if made is None:
        raise errors.unknown("curated answer")
    _log.info("curated answer changed", curated_id=made.id, by=caller.user_id)
    return _json(made)


@router.delete("/{curated_id}", status_code=204)
async def delete_curated(curated_id: Id, app: Parts, admin: Admin) -> None:
    """Delete an answer."""
    if not await in_thread(store.remove, app.engine, curated_id):
        raise errors.unknown("curated answer")
    _log.info("curated answer deleted", curated_id=curated_id, by=admin.caller.user_id)


def _json(one: Curated) -> Json:
    return {
        "id": one.id,
        "questions": list(one.questions),
        "answer": one.answer,
        "citations": [asdict(citation) for citation in one.citations],
        "sources": [citation.chunk for citation in one.citations],
        "sources_gone": list(one.sources_gone),
        "readers": sorted(one.readers),
        "enabled": one.enabled,
        "given": one.given,
        "updated_by": one.updated_by,
        "updated_at": one.updated_at,
    }
