"""Shared chats and folders of the stand-in."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, done, missing, problem, signed_in, text_of
from ui.fake_api.records import FakeConversation, FakeUser, new_id
from ui.fake_api.world import World

_HIDDEN = {"document": "", "title": "", "page": None, "chunk": "", "quote": "", "heading": "", "path": ""}


def routes() -> list[Route]:
    """Return the routes about shared chats and folders."""
    return [
        Route("/api/folders/{name}", signed_in(rename_folder), methods=["PATCH", "DELETE"]),
        Route("/api/chats/export", signed_in(export), methods=["GET"]),
        Route("/api/chats/import", signed_in(take_in), methods=["POST"]),
        Route("/api/conversations/{id}/share", signed_in(link), methods=["GET"]),
        Route("/api/conversations/{id}/share", signed_in(share), methods=["PUT"]),
        Route("/api/conversations/{id}/share", signed_in(revoke), methods=["DELETE"]),
        Route("/api/shared/{id}", signed_in(opened), methods=["GET"]),
    ]


def _found(world: World, user: FakeUser, conversation_id: str) -> str | None:
    owned = world.conversations.get(conversation_id)
    if owned is None or owned.owner != user.id:
        return None
    return next((one for one, kept in world.shared.items() if kept["conversation"] == conversation_id), None)


def _link(world: World, link_id: str) -> Response:
    kept = world.shared[link_id]
    turns = kept["turns"]
    count = len(turns) if isinstance(turns, list) else 0
    return JSONResponse({"id": link_id, "created_at": kept["created_at"], "turns": count})


async def link(world: World, user: FakeUser, request: Request) -> Response:
    """Return the link of a conversation."""
    found = _found(world, user, request.path_params["id"])
    return missing("shared link") if found is None else _link(world, found)


async def share(world: World, user: FakeUser, request: Request) -> Response:
    """Share a conversation as it stands."""
    owned = world.conversations.get(request.path_params["id"])
    if owned is None or owned.owner != user.id:
        return missing("conversation")
    world.shared.pop(_found(world, user, owned.id) or "", None)
    turns = [{"question": turn.question, "answer": turn.answer} for turn in owned.line() if turn.answer]
    kept = {"conversation": owned.id, "title": owned.title, "by": user.name, "turns": turns, "created_at": time.time()}
    made = new_id()
    world.shared[made] = kept
    return _link(world, made)


async def revoke(world: World, user: FakeUser, request: Request) -> Response:
    """End a link."""
    found = _found(world, user, request.path_params["id"])
    if found is None:
        return missing("shared link")
    del world.shared[found]
    return done()


async def opened(world: World, user: FakeUser, request: Request) -> Response:
    """Return a shared chat with the sources that the caller may read."""
    kept = world.shared.get(request.path_params["id"])
    if kept is None or kept["conversation"] not in world.conversations:
        return missing("shared chat")
    readable = {one.id for one in world.readable(user, None)}
    known = {document.id for document in world.documents.values() if document.collection_id in readable}
    turns = kept["turns"]
    shown = [_seen(turn, known) for turn in turns] if isinstance(turns, list) else []
    return JSONResponse({name: kept[name] for name in ("title", "by", "created_at")} | {"turns": shown})


def _seen(turn: dict[str, dict[str, object]], known: set[str]) -> dict[str, object]:
    cited = turn["answer"]["citations"]
    seen = [
        {**one, "readable": True} if one["document"] in known else {"n": one["n"], **_HIDDEN, "readable": False}
        for one in (cited if isinstance(cited, list) else [])
    ]
    kept = ("answer", "abstained", "grounded", "degraded", "stopped_by")
    answer = {name: value for name, value in turn["answer"].items() if name in kept}
    if not all(one["readable"] for one in seen):
        answer["answer"] = "This answer rests on sources that you may not open."
    return {"question": turn["question"], "answer": {**answer, "citations": seen}}


async def rename_folder(world: World, user: FakeUser, request: Request) -> Response:
    """Rename a folder, or take its conversations out of it."""
    name = request.path_params["name"]
    inside = [one for one in world.conversations.values() if one.owner == user.id and one.folder == name]
    if not inside:
        return missing("folder")
    to = text_of(await body_of(request), "name") if request.method == "PATCH" else ""
    for one in inside:
        one.folder = to
    return JSONResponse({"name": to, "n_conversations": len(inside)}) if to else done()


async def export(world: World, user: FakeUser, request: Request) -> Response:
    """Return the caller's chats as a file."""
    chosen = request.query_params.get("conversation")
    mine = [one for one in world.conversations.values() if one.owner == user.id and chosen in (None, one.id)]
    if chosen and not mine:
        return missing("conversation")
    if request.query_params.get("format") == "markdown":
        said = [f"> {turn.question}\n\n{(turn.answer or {}).get('answer', '')}" for turn in mine[0].line()]
        return Response("\n\n".join([f"# {mine[0].title}", *said]), media_type="text/markdown")
    chats = [
        {
            "title": one.title,
            "folder": one.folder,
            "turns": [
                {"question": turn.question, "answer": (turn.answer or {}).get("answer", "")} for turn in one.line()
            ],
        }
        for one in mine
    ]
    return JSONResponse({"format": "inhouse-chats", "version": 1, "chats": chats})


async def take_in(world: World, user: FakeUser, request: Request) -> Response:
    """Take the titles of an export in; that is all the pages look at."""
    body = await body_of(request)
    chats = body.get("chats")
    if not isinstance(chats, list):
        detail = "The file is neither an export of ours nor a chat export of Open WebUI."
        return problem(422, "Unprocessable", detail, "import-refused")
    for chat in chats:
        made = FakeConversation(owner=user.id, title=str(chat.get("title")))
        world.conversations[made.id] = made
    return JSONResponse({"taken": len(chats)}, 201)
