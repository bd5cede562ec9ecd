"""Notes of groups in the stand-in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, done, missing, signed_in, text_of
from ui.fake_api.group_note import FakeGroupNote
from ui.fake_api.records import FakeUser
from ui.fake_api.world import World


def routes() -> list[Route]:
    """Return the routes about what groups remember."""
    return [
        Route("/api/group-memory", signed_in(group_memory)),
        Route("/api/group-memory/{name}", signed_in(add_note), methods=["POST"]),
        Route("/api/group-memory/{name}/{id}", signed_in(delete_note), methods=["DELETE"]),
    ]


async def group_memory(world: World, user: FakeUser, _request: Request) -> Response:
    """Return what the person's groups remember."""
    found = [
        {"name": group, "notes": [note.json(user) for note in world.group_notes if note.group == group]}
        for group in sorted(user.groups)
    ]
    return JSONResponse({"groups": found})


async def add_note(world: World, user: FakeUser, request: Request) -> Response:
    """Remember something for a group of the person."""
    group = request.path_params["name"]
    if group not in user.groups:
        return missing("group")
    made = FakeGroupNote(group, text_of(await body_of(request), "text"), user.id)
    world.group_notes.append(made)
    return JSONResponse({**made.json(user), "replaced": False}, 201)


async def delete_note(world: World, user: FakeUser, request: Request) -> Response:
    """Delete a note of a group of the person."""
    kept = [note for note in world.group_notes if note.id != request.path_params["id"] or note.group not in user.groups]
    if len(kept) == len(world.group_notes):
        return missing("note of a group of yours")
    world.group_notes[:] = kept
    return done()
