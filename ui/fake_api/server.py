"""The stand-in as a server on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api import (
    commands,
    curated,
    drawn,
    gallery,
    group_memory,
    library,
    memory,
    models,
    people,
    ratings,
    skills,
    speech,
    talk,
    widgets,
)
from ui.fake_api.doorkeeper import signed_in
from ui.fake_api.records import FakeUser
from ui.fake_api.world import World

START_PATIENCE_S = 20.0
GIB = 1024**3


@dataclass(frozen=True)
class FakeApi:
    """A running stand-in: where it listens, and what it knows."""

    url: str
    world: World


def application(world: World) -> Starlette:
    """Return the stand-in as an ASGI application over `world`."""
    own = [Route("/api/status", signed_in(status, admin=True)), Route("/livez", alive)]
    doors = (
        people,
        library,
        talk,
        drawn,
        commands,
        skills,
        memory,
        group_memory,
        models,
        curated,
        ratings,
        gallery,
        widgets,
        speech,
    )
    app = Starlette(routes=[*own, *(route for door in doors for route in door.routes())])
    app.state.world = world
    return app


async def alive(_request: Request) -> Response:
    """Answer that the server runs."""
    return JSONResponse({"alive": True})


async def status(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return made-up figures of a healthy server."""
    states = [document.status for document in world.documents.values()]
    tiers = [
        {"name": "domain", "tier": "domain", "model": "qwen3-8b", "adapter": "support-2", "healthy": False},
        {"name": "local", "tier": "fallback", "model": "smollm2-135m", "adapter": "grounded-answer", "healthy": True},
    ]
    details = ("No answer from the server; asked again every 10 s.", "Ready; 45 ms to the first token.")
    return JSONResponse(
        {
            "version": "0.1.0",
            "tiers": [{**tier, "detail": detail} for tier, detail in zip(tiers, details, strict=True)],
            "services": [
                {"name": "index", "state": "ready", "detail": "abreast of the documents"},
                {"name": "orchestration", "state": "ready", "detail": ""},
            ],
            "disk": {"used": 38 * GIB, "free": 26 * GIB, "total": 64 * GIB},
            "memory": {"used": GIB // 2, "free": 9 * GIB, "total": 16 * GIB},
            "knowledge": {
                "documents": len(states),
                "chunks": sum(len(document.chunks) for document in world.documents.values()),
                "index_lag": 0,
                "last_reconcile": time.time() - 95,
                "embedding": {"model": "all-minilm-l6-v2.int8", "done": 0, "total": 0, "live": True},
            },
            "kept": {
                "on": True,
                "closeness": 0.0,
                "entries": 212,
                "same": 340,
                "near": 0,
                "pinned": 58,
                "missed": 1_120,
                "saved_tokens": 268_400,
            },
            "queue": {name: states.count(name) for name in ("queued", "running", "failed")},
        }
    )


@contextmanager
def serve(world: World, port: int = 0) -> Iterator[FakeApi]:
    """Serve `world` on a loopback port (0: a free one) in a thread while the block runs."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        application(world),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_keep_alive=15,  # as the API; httpx forgets a connection after 5
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="fake-api", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_PATIENCE_S
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError(f"The stand-in did not start within {START_PATIENCE_S} s.")
        time.sleep(0.01)
    try:
        yield FakeApi(f"http://127.0.0.1:{listener.getsockname()[1]}", world)
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()
