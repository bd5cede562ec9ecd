"""For operators: is the process alive, is it ready, how is everything, and figures for Prometheus."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import Annotated

import psutil
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from assistant.api.auth import ADMIN, ANYONE, SIGNED_IN, Guarded
from assistant.api.deps import Parts
from assistant.api.doors import Shared
from assistant.api.errors import unknown
from assistant.api.schemas import Json
from assistant.app import VERSION, App
from assistant.gallery import store as gallery
from assistant.people.credentials import Credential
from assistant.threads import in_thread
from knowledge.database import reading
from knowledge.reindex import progress
from knowledge.tables import chunks, documents

router = APIRouter(route_class=Guarded)

Admin = Annotated[Credential, Depends(ADMIN)]


@router.get("/livez", dependencies=[Depends(ANYONE)], tags=["operators"])
async def livez() -> Json:
    """Answer as long as the event loop runs."""
    return {"alive": True}


@router.get("/readyz", dependencies=[Depends(ANYONE)], tags=["operators"], responses={503: {"description": "Not yet"}})
async def readyz(app: Parts) -> Response:
    """Answer 200 once questions can be answered, 503 before: the database answers and nothing is starting any more.

    A service that failed is listed and does not make this 503: without a model, answers quote the best passages.
    """
    checks = {service.name: service.state()[0] for service in app.services}
    database = await in_thread(_database_answers, app.engine)
    ready = database and "starting" not in checks.values()
    return JSONResponse({"ready": ready, "database": database, "checks": checks}, 200 if ready else 503)


@router.get("/api/openapi.json", dependencies=[Depends(ANYONE)], tags=["operators"])
async def describe(request: Request) -> Json:
    """Return this description."""
    described: Json = request.app.openapi()
    return described


@router.get("/metrics", tags=["operators"], response_class=PlainTextResponse)
async def metrics(app: Parts, doors: Shared, _admin: Admin) -> Response:
    """Return figures in Prometheus' text format; Prometheus needs an administrator's API key."""
    doors.metrics.documents(await in_thread(_by_status, app.engine))
    doors.metrics.models(app.models.status(), app.kept.figures())
    return Response(doors.metrics.text(), media_type="text/plain; version=0.0.4")


@router.get("/api/status", tags=["operators"])
async def status(app: Parts, _admin: Admin) -> Json:
    """Tell how everything is."""
    by_status = await in_thread(_by_status, app.engine)
    return {
        "version": VERSION,
        "tiers": [asdict(model) for model in app.models.status() if model.tier != "ensemble"],
        "services": [
            {"name": service.name, "state": service.state()[0], "detail": service.state()[1]}
            for service in app.services
        ],
        "models_problems": app.registry.problems,
        "disk": await in_thread(_disk, app),
        "memory": await in_thread(_memory),
        "knowledge": {
            "documents": sum(by_status.values()),
            "chunks": await in_thread(_chunks, app.engine),
            "index_lag": max((index.behind for index in app.indexes.status()), default=0),
            "last_reconcile": min((index.checked_at or 0.0 for index in app.indexes.status()), default=0.0) or None,
            "indexes": [asdict(index) for index in app.indexes.status()],
            "embedding": asdict(await in_thread(progress, app.engine, app.embedder.name)),
        },
        "kept": asdict(app.kept.figures()),
        "queue": {name: by_status.get(name, 0) for name in ("queued", "running", "failed")},
    }


@router.get("/v1/models", tags=["openai"])
async def list_models(app: Parts, credential: Annotated[Credential, Depends(SIGNED_IN)]) -> Json:
    """List what `model` of a request may be, in OpenAI's shape; the caller's assistants are among them."""
    assistants = await in_thread(gallery.models, app.engine, credential.caller)
    names = ["assistant", *(model.name for model in app.models.status() if model.enabled), *assistants]
    return {"object": "list", "data": [_model_json(name) for name in dict.fromkeys(names)]}


@router.get("/v1/models/{model:path}", tags=["openai"])
async def find_model(model: str, app: Parts, caller: Annotated[Credential, Depends(SIGNED_IN)]) -> Json:
    """Return one model, in OpenAI's shape."""
    listed = (await list_models(app, caller))["data"]
    for entry in listed:
        if entry["id"] == model:
            found: Json = entry
            return found
    raise unknown("model")


def _model_json(name: str) -> Json:
    return {"id": name, "object": "model", "created": 0, "owned_by": "inhouse"}


def _database_answers(engine: Engine) -> bool:
    try:
        with reading(engine) as connection:
            return connection.execute(select(1)).scalar() == 1
    except SQLAlchemyError:
        return False


def _by_status(engine: Engine) -> dict[str, int]:
    statement = select(documents.c.status, func.count()).group_by(documents.c.status)
    with reading(engine) as connection:
        return {row[0]: row[1] for row in connection.execute(statement)}


def _chunks(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(chunks)).scalar_one()


def _disk(app: App) -> Json:
    usage = shutil.disk_usage(app.settings.data_dir)
    return {"used": usage.used, "free": usage.free, "total": usage.total}


def _memory() -> Json:
    whole = psutil.virtual_memory()
    return {"used": psutil.Process().memory_info().rss, "free": whole.available, "total": whole.total}
