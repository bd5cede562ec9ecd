"""Curated answers of the stand-in."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, done, missing, problem, signed_in, text_of, texts_of
from ui.fake_api.records import FakeUser, new_id
from ui.fake_api.world import World


def routes() -> list[Route]:
    """Return the routes about curated answers."""
    return [
        Route("/api/curated", signed_in(listed, admin=True), methods=["GET"]),
        Route("/api/curated", signed_in(add, admin=True), methods=["POST"]),
        Route("/api/curated/{id}", signed_in(change, admin=True), methods=["PUT"]),
        Route("/api/curated/{id}", signed_in(delete, admin=True), methods=["DELETE"]),
    ]


async def listed(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return all of them."""
    return JSONResponse({"curated": list(world.curated.values())})


async def add(world: World, _user: FakeUser, request: Request) -> Response:
    """Write one."""
    return await _written(world, request, new_id(), 0)


async def change(world: World, _user: FakeUser, request: Request) -> Response:
    """Write one anew."""
    known = world.curated.get(request.path_params["id"])
    if known is None:
        return missing("curated answer")
    return await _written(world, request, str(known["id"]), int(str(known["given"])))


async def delete(world: World, _user: FakeUser, request: Request) -> Response:
    """Delete one."""
    return missing("curated answer") if world.curated.pop(request.path_params["id"], None) is None else done()


async def _written(world: World, request: Request, identifier: str, given: int) -> Response:
    body = await body_of(request)
    sources, answer = texts_of(body, "sources"), text_of(body, "answer")
    marks = [int(mark) for mark in re.findall(r"\[(\d+)\]", answer)]
    if any(mark > len(sources) for mark in marks):
        detail = f"The answer has the mark [{max(marks)}], but no source of that number; add it."
        return problem(422, "Refused", detail, "curated-unusable")
    readers, enabled = texts_of(body, "readers"), body.get("enabled") is not False
    written = world.write_curated(identifier, texts_of(body, "questions"), answer, sources, readers, enabled, given)
    return JSONResponse(written, 201 if request.method == "POST" else 200)
