"""Who is calling, and how the stand-in says no."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ui.fake_api.records import FakeUser
from ui.fake_api.world import World

Endpoint = Callable[[Request], Awaitable[Response]]
Handler = Callable[[World, FakeUser, Request], Awaitable[Response]]


def world_of(request: Request) -> World:
    """Return the memory that this server works on."""
    return cast("World", request.app.state.world)


def caller(request: Request) -> FakeUser | None:
    """Return the account that the bearer token belongs to."""
    world = world_of(request)
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    user = world.users.get(world.tokens.get(token, ""))
    return user if user is not None and user.active else None


def signed_in(handler: Handler, admin: bool = False) -> Endpoint:
    """Return an endpoint that only people with an account reach (or only administrators)."""

    async def endpoint(request: Request) -> Response:
        world = world_of(request)
        if world.faults.down:
            return problem(503, "Not ready", "The server is starting. Try again in a moment.", "starting")
        user = caller(request)
        if user is None:
            return problem(401, "Not signed in", "Sign in first.", "not-signed-in")
        if admin and not user.is_admin:
            return problem(403, "Not allowed", "Only administrators may do this.", "not-allowed")
        return await handler(world, user, request)

    return endpoint


def problem(
    status: int, title: str, detail: str, code: str, retry_after_s: int | None = None, openai: bool = False
) -> Response:
    """Return an RFC 9457 problem, or OpenAI's error shape under /v1."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    body: dict[str, object] = {"type": f"/problems/{code}", "title": title, "status": status, "detail": detail}
    if openai:
        return JSONResponse({"error": {"message": detail, "type": code, "code": code}}, status, headers)
    return JSONResponse({**body, "code": code}, status, headers, media_type="application/problem+json")


def missing(what: str) -> Response:
    """Return the answer for what is not there or may not be seen."""
    return problem(404, "Not found", f"There is no such {what}, or you may not see it.", "not-found")


async def body_of(request: Request) -> dict[str, object]:
    """Return the JSON object of a request; an empty one when there is none."""
    raw = await request.body()
    value = json.loads(raw) if raw else {}
    return value if isinstance(value, dict) else {}


def done() -> Response:
    """Return an empty answer."""
    return Response(status_code=204)


def text_of(body: dict[str, object], name: str) -> str:
    """Return a text field, "" when it is absent."""
    value = body.get(name)
    return value if isinstance(value, str) else ""


def texts_of(body: dict[str, object], name: str) -> list[str]:
    """Return a list of texts, empty when it is absent."""
    value = body.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
