"""Assistants of the stand-in."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, done, missing, problem, signed_in, text_of, texts_of
from ui.fake_api.records import FakeUser, new_id
from ui.fake_api.world import World

_FILED = (
    "name", "description", "icon", "colour", "grounded", "model", "prompt", "instructions", "preset", "collections",
    "skills", "greeting", "questions",
)  # fmt: skip


def routes() -> list[Route]:
    """Return the routes about assistants."""
    return [
        Route("/api/assistants", signed_in(listed), methods=["GET"]),
        Route("/api/assistants", signed_in(add), methods=["POST"]),
        Route("/api/assistants/choices", signed_in(choices), methods=["GET"]),
        Route("/api/assistants/export", signed_in(export), methods=["GET"]),
        Route("/api/assistants/import", signed_in(take_in), methods=["POST"]),
        Route("/api/assistants/{id}", signed_in(read), methods=["GET"]),
        Route("/api/assistants/{id}", signed_in(change), methods=["PUT"]),
        Route("/api/assistants/{id}", signed_in(delete), methods=["DELETE"]),
        Route("/api/assistants/{id}/duplicate", signed_in(duplicate), methods=["POST"]),
        Route("/api/assistants/{id}/withdrawn", signed_in(withdraw, admin=True), methods=["PUT"]),
    ]


def seen(world: World, user: FakeUser, assistant_id: str) -> dict[str, object] | None:
    """Return an assistant as a person may see it, None when it is not there for them."""
    found = world.assistants.get(assistant_id)
    if found is None:
        return None
    readers = texts_of(found, "readers")
    own, given = found["owner_id"] == user.id, bool(user.principals() & set(readers)) and not found["withdrawn"]
    if not (own or given or (user.is_admin and readers)):
        return None
    owner = world.users.get(str(found["owner_id"]))
    told = {"own": own, "shared": bool(readers), "owner": owner.name if owner else ""}
    return found | told | {"readers": readers if own or user.is_admin else None}


def of_chat(world: World, user: FakeUser, assistant_id: str) -> dict[str, object] | None:
    """Return the assistant of a chat as the API tells of it."""
    if not assistant_id:
        return None
    card = seen(world, user, assistant_id)
    name = str((card or world.assistants.get(assistant_id) or {}).get("name", "Assistant"))
    gone = f"The assistant {name!r} was deleted or is no longer shared with you; this chat goes on without it."
    state = "ready" if card else "gone"
    return {"id": assistant_id, "name": name, "state": state, "notice": None if card else gone, "card": card}


async def listed(world: World, user: FakeUser, request: Request) -> Response:
    """Return those that the caller may use."""
    text = request.query_params.get("q", "").lower()
    found = [card for key in world.assistants if (card := seen(world, user, key)) is not None]
    shown = [one for one in found if text in f"{one['name']} {one.get('description', '')}".lower()]
    return JSONResponse({"assistants": sorted(shown, key=lambda one: str(one["name"]))})


async def read(world: World, user: FakeUser, request: Request) -> Response:
    """Return one."""
    card = seen(world, user, request.path_params["id"])
    return missing("assistant") if card is None else JSONResponse(card)


async def choices(world: World, user: FakeUser, _request: Request) -> Response:
    """Return what the caller may build one from."""
    return JSONResponse(
        {
            "icons": ["smart_toy", "gavel", "school"],
            "colours": ["blue", "green"],
            "models": ["smollm2-135m"],
            "prompts": [{"name": "reasoned_answer", "job": "answer"}, {"name": "tone", "job": "chat"}],
            "presets": [{"name": "precise", "about": "The most likely word each time."}],
            "collections": [{"id": one.id, "name": one.name} for one in world.readable(user)],
            "skills": sorted(world.skills),
        }
    )


async def add(world: World, user: FakeUser, request: Request) -> Response:
    """Make one."""
    return write(world, user, new_id(), await body_of(request), 201)


async def change(world: World, user: FakeUser, request: Request) -> Response:
    """Write one anew."""
    card = seen(world, user, request.path_params["id"])
    if card is None:
        return missing("assistant")
    if not card["own"]:
        return problem(403, "Forbidden", "Only the owner may change it; duplicate it.", "not-allowed")
    return write(world, user, str(card["id"]), await body_of(request), 200)


async def delete(world: World, user: FakeUser, request: Request) -> Response:
    """Delete one."""
    card = seen(world, user, request.path_params["id"])
    if card is None:
        return missing("assistant")
    del world.assistants[str(card["id"])]
    return done()


async def duplicate(world: World, user: FakeUser, request: Request) -> Response:
    """Copy one."""
    card = seen(world, user, request.path_params["id"])
    if card is None:
        return missing("assistant")
    return write(world, user, new_id(), _filed(card), 201)


async def withdraw(world: World, user: FakeUser, request: Request) -> Response:
    """Take one out of the gallery, or put it back."""
    card = seen(world, user, request.path_params["id"])
    if card is None:
        return missing("assistant")
    world.assistants[str(card["id"])]["withdrawn"] = (await body_of(request)).get("withdrawn") is True
    return JSONResponse(seen(world, user, str(card["id"])))


async def export(world: World, user: FakeUser, request: Request) -> Response:
    """Return some as a file."""
    wanted = request.query_params.getlist("id")
    found = [card for key in wanted or world.assistants if (card := seen(world, user, key)) is not None]
    return JSONResponse({"format": "inhouse-assistants", "version": 1, "assistants": [_filed(one) for one in found]})


async def take_in(world: World, user: FakeUser, request: Request) -> Response:
    """Make the assistants of a file the caller's own."""
    entries = (await body_of(request)).get("assistants")
    made = []
    for entry in entries if isinstance(entries, list) else []:
        identifier = new_id()
        write(world, user, identifier, entry, 201)
        made.append(seen(world, user, identifier))
    return JSONResponse({"assistants": made, "left_out": []}, 201)


def _filed(card: dict[str, object]) -> dict[str, object]:
    body = {name: card[name] for name in _FILED if name in card}
    known = card.get("collections")
    return body | {"collections": [one["id"] for one in known] if isinstance(known, list) else None}


def write(world: World, user: FakeUser, identifier: str, body: dict[str, object], status: int) -> Response:
    """Keep an assistant as `user`'s, as the routes do."""
    name = text_of(body, "name").strip()
    if not name:
        return problem(422, "Refused", "name: it is empty; give something.", "invalid")
    wanted = body.get("collections")
    world.assistants[identifier] = {
        **body,
        "id": identifier,
        "name": name,
        "model_name": f"assistant:{name}",
        "collections": [
            {"id": one.id, "name": one.name} for one in world.readable(user) if one.id in texts_of(body, "collections")
        ]
        if isinstance(wanted, list)
        else None,
        "owner_id": user.id,
        "readers": texts_of(body, "readers"),
        "withdrawn": False,
        "updated_at": time.time(),
    }
    return JSONResponse(seen(world, user, identifier), status)
