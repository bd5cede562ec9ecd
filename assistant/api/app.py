"""The HTTP application: routes, what is around them, and its life."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from assistant.api import (
    approvals,
    assistants,
    chat,
    collections,
    commands,
    conversations,
    curated,
    documents,
    errors,
    group_memory,
    health,
    help_desk,
    long_calls,
    mcp,
    measuring,
    memory,
    models,
    openapi,
    people,
    pictures,
    policy,
    prompts,
    ratings,
    search,
    sharing,
    skill_uploads,
    skills,
    speech,
    transfer,
    uploads,
    widget,
    widget_calls,
    widget_files,
    widgets,
)
from assistant.api.auth import Guarded
from assistant.api.cors import CheckedOrigin
from assistant.api.doors import Doors, doors
from assistant.api.limits import BodyLimit
from assistant.api.security import KnownHosts, Observed
from assistant.app import VERSION, App
from assistant.calling.approvals import interrupt_running
from assistant.conversations import give_up_running
from assistant.threads import in_thread

ROUTERS = (
    people.router,
    collections.router,
    documents.router,
    uploads.router,
    search.router,
    conversations.router,
    pictures.router,
    sharing.router,
    transfer.router,
    chat.asking,
    chat.router,
    speech.router,
    widgets.router,
    widget.router,
    widget_calls.router,
    widget_files.router,
    help_desk.router,
    skills.router,
    skill_uploads.router,
    approvals.router,
    long_calls.router,
    mcp.router,
    memory.router,
    group_memory.router,
    models.router,
    measuring.router,
    curated.router,
    ratings.router,
    assistants.router,
    policy.router,
    prompts.router,
    commands.router,
    health.router,
)


def create(app: App) -> FastAPI:
    """Return the API of `app`, which starts and stops with it. Raises RuntimeError when a route names no policy."""
    shared = doors(app)
    api = FastAPI(
        title="Inhouse",
        version=VERSION,
        description="Answers from the company's own documents, with checked citations.",
        lifespan=_life(app, shared),
        openapi_url=None,  # a route of our own serves it, under a policy like all others
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # the address of a redirect would be made from the Host header
    )
    api.state.app, api.state.doors = app, shared
    for router in ROUTERS:
        for route in router.routes:
            if not isinstance(route, Guarded):
                raise RuntimeError(f"The route {route} was made without a policy; use Guarded of api/auth.py.")
            api.router.routes.append(route)
    errors.install(api)
    openapi.install(api)
    api.add_middleware(CheckedOrigin)
    api.add_middleware(BodyLimit, settings=app.settings.api)
    api.add_middleware(KnownHosts, hosts=app.settings.hosts)
    api.add_middleware(Observed, metrics=shared.metrics)  # the last one added is the outermost
    return api


def _life(app: App, shared: Doors) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(_api: FastAPI) -> AsyncIterator[None]:
        if app.engine.dialect.name == "sqlite":  # whose data folder has one server; on PostgreSQL others may be at work
            await in_thread(give_up_running, app.engine)
            await in_thread(interrupt_running, app.engine)
        await app.start()
        await shared.streams.start()
        try:
            yield
        finally:
            await shared.streams.stop()
            await shared.widgets.stop()
            await app.stop()

    return life
