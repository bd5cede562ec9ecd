"""Sources of skills that come as a body: an OpenAPI document, a packed folder; and the test of a source."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from assistant.api import errors
from assistant.api.auth import ADMIN, Guarded
from assistant.api.deps import Id, Parts
from assistant.api.limits import allow
from assistant.api.own_values import depth
from assistant.api.schemas import Json
from assistant.api.skills_schema import MAX_DEPTH
from assistant.calling.report import report, shown
from assistant.logs import log
from assistant.people.credentials import Credential
from skills.adding import add_zip
from skills.packed import MAX_ZIP_BYTES
from skills.testing import tested
from skills.uploaded import PASTED, add_document

router = APIRouter(route_class=Guarded, prefix="/api", tags=["skills"])
_log = log("skills")
_ANY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}

Admin = Annotated[Credential, Depends(ADMIN)]
SourceName = Annotated[str, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$", description="Of the source")]
FileName = Annotated[str, Query(max_length=120, description="Of the file, to be shown; left out: the text was pasted")]
Options = Annotated[
    str | None,
    Query(max_length=5_000, description="JSON object: what an entry may say; left out: as for the one replaced"),
]


@router.post("/skill-sources/documents", status_code=201, openapi_extra=_ANY)
async def add_openapi(
    request: Request, app: Parts, admin: Admin, name: SourceName, file: FileName = "", options: Options = None
) -> Json:
    """Add the OpenAPI document in the body, JSON or YAML; it is loaded at once, or not kept.

    It takes the place of an earlier document of that name. `server` among the options is the base address of the API.
    """
    skillset = await app.skills.ready()
    allow(request.scope, skillset.parts.settings.max_document_bytes, app.settings.api.body_timeout_s)
    chosen = None if options is None else _object(options)
    origin = f"uploaded as {file}" if file else PASTED
    added = await add_document(skillset, name, await request.body(), origin, chosen)
    _log.info("a source of skills was added", source=name, kind="document", by=admin.caller.user_id)
    return {"skills": [shown(skill) for skill in added]}


@router.post("/skill-sources/folders", status_code=201, openapi_extra=_ANY)
async def add_folder(request: Request, app: Parts, admin: Admin, name: SourceName) -> Json:
    """Add the folder with a SKILL.md that the ZIP in the body holds; it is loaded at once, or not kept."""
    skillset = await app.skills.ready()
    allow(request.scope, MAX_ZIP_BYTES, app.settings.api.body_timeout_s)
    added = await add_zip(skillset, name, await request.body())
    _log.info("a source of skills was added", source=name, kind="folder", by=admin.caller.user_id)
    return {"skills": [shown(skill) for skill in added]}


@router.post("/skill-sources/{source}/test")
async def test_source(source: Id, app: Parts, _admin: Admin) -> Json:
    """Load a source anew, ask the server of an OpenAPI document whether it is there, and say what came of it."""
    skillset = await app.skills.ready()
    told = await tested(skillset, source)
    if told is None:
        raise errors.unknown("source in a folder of skills")
    return {**report(skillset.registry, source), "tested": told}


def _object(text: str) -> dict[str, object]:
    """Return the JSON object in `text`; raises the refusal of anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or depth(found, MAX_DEPTH + 1) > MAX_DEPTH:
        raise errors.invalid('The options have to be a JSON object, such as {"verbs": ["get"]}.', "options")
    return found
