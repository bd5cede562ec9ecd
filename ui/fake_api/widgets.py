"""Widgets of the stand-in, with one visitor who has asked something."""

from __future__ import annotations

import time
from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, done, missing, problem, signed_in, text_of
from ui.fake_api.records import FakeUser, new_id
from ui.fake_api.world import World

Json = dict[str, object]
TURN: Json = {"id": "t1", "question": "When do you open?", "status": "done", "rating": "down", "created_at": 1.0}
ANSWER: Json = {"text": "At nine [1].", "citations": [], "nearest": [], "suggestions": [], "notice": None}


def routes() -> list[Route]:
    """Return the routes about widgets."""
    one = "/api/widgets/{id}"
    return [
        Route("/api/widgets", signed_in(list_widgets, admin=True), methods=["GET"]),
        Route("/api/widgets", signed_in(add_widget, admin=True), methods=["POST"]),
        Route(one, signed_in(change_widget, admin=True), methods=["PATCH"]),
        Route(one, signed_in(delete_widget, admin=True), methods=["DELETE"]),
        Route(one + "/keys", signed_in(add_key, admin=True), methods=["POST"]),
        Route(one + "/keys/{key}", signed_in(retire_key, admin=True), methods=["DELETE"]),
        Route(one + "/transcripts", signed_in(transcripts, admin=True)),
        Route(one + "/transcripts/{conversation}", signed_in(transcript, admin=True)),
        Route(one + "/transcripts/{conversation}", signed_in(forget, admin=True), methods=["DELETE"]),
        Route(one + "/hand-overs", signed_in(hand_overs, admin=True)),
        Route(one + "/hand-overs/{request}/send", signed_in(send, admin=True), methods=["POST"]),
    ]


async def list_widgets(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return all widgets."""
    return JSONResponse({"widgets": list(world.widgets.values())})


async def add_widget(world: World, _user: FakeUser, request: Request) -> Response:
    """Create a widget."""
    body = await body_of(request)
    return JSONResponse(world.add_widget(text_of(body, "name"), cast("Json", body.get("profile") or {})), 201)


async def change_widget(world: World, _user: FakeUser, request: Request) -> Response:
    """Change a widget; an origin with a path is refused as the API would."""
    widget, body = _widget(world, request), await body_of(request)
    if widget is None:
        return missing("widget")
    changes = cast("Json", body.get("profile") or {})
    for origin in cast("list[str]", changes.get("origins", [])):
        if not origin.startswith("http") or origin.count("/") > 2:
            return problem(422, "Unprocessable", f"origins.0: {origin!r} is no origin.", "invalid")
    widget["enabled"] = bool(body.get("enabled", widget["enabled"]))
    widget["profile"] = {**cast("Json", widget["profile"]), **changes}
    return JSONResponse(widget)


async def delete_widget(world: World, _user: FakeUser, request: Request) -> Response:
    """Delete a widget."""
    return done() if world.widgets.pop(request.path_params["id"], None) else missing("widget")


async def add_key(world: World, _user: FakeUser, request: Request) -> Response:
    """Create a signing key; two are kept."""
    widget = _widget(world, request)
    if widget is None:
        return missing("widget")
    key = {"id": new_id(), "created_at": time.time()}
    widget["keys"] = [key, *cast("list[Json]", widget["keys"])][:2]
    return JSONResponse({**key, "secret": f"wsk_{key['id']}.{new_id()}"}, 201)


async def retire_key(world: World, _user: FakeUser, request: Request) -> Response:
    """Retire a signing key."""
    widget = _widget(world, request)
    if widget is None:
        return missing("widget")
    kept = cast("list[Json]", widget["keys"])
    widget["keys"] = [key for key in kept if key["id"] != request.path_params["key"]]
    return done()


async def transcripts(world: World, _user: FakeUser, request: Request) -> Response:
    """Return one conversation of a visitor."""
    about = {"title": "When do you open?", "visitor": "zoe", "turns": 1, "rated_down": 1, "handed_over": True}
    there = _widget(world, request) and "c1" not in world.forgotten_talks
    found = [{"conversation_id": "c1", **about, "updated_at": time.time() - 60}] if there else []
    return JSONResponse({"transcripts": found})


async def transcript(world: World, _user: FakeUser, request: Request) -> Response:
    """Return what the visitor said."""
    if _widget(world, request) is None or request.path_params["conversation"] != "c1":
        return missing("conversation")
    return JSONResponse({"id": "c1", "title": "When do you open?", "turns": [{**TURN, "answer": ANSWER}]})


async def forget(world: World, _user: FakeUser, request: Request) -> Response:
    """Delete what the visitor said."""
    world.forgotten_talks.add(request.path_params["conversation"])
    return done()


async def hand_overs(world: World, _user: FakeUser, request: Request) -> Response:
    """Return one request for a person, which could not be passed on."""
    about = {"contact": "zoe@example.com", "note": "Please call.", "created_at": time.time() - 30}
    detail = "The webhook answered with status 500."
    one = {"id": "h1", "conversation_id": "c1", **about, "status": "failed", "detail": detail}
    if _widget(world, request) is None:
        return missing("widget")
    sent = {"status": "sent", "detail": ""} if "h1" in world.sent_on else {}
    return JSONResponse({"hand_overs": [{**one, **sent}]})


async def send(world: World, _user: FakeUser, request: Request) -> Response:
    """Pass a request for a person on."""
    world.sent_on.add(request.path_params["request"])
    return JSONResponse({"id": request.path_params["request"], "status": "sent"})


def _widget(world: World, request: Request) -> Json | None:
    return world.widgets.get(request.path_params["id"])
