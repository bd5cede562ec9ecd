"""Rated answers of the stand-in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import signed_in
from ui.fake_api.records import FakeConversation, FakeTurn, FakeUser
from ui.fake_api.world import World

_NO_ROUTE: dict[str, object] = {"model": "", "adapter": None, "tier": "", "strategy": ""}


def routes() -> list[Route]:
    """Return the routes about ratings."""
    return [Route("/api/feedback", signed_in(listed, admin=True), methods=["GET"])]


async def listed(world: World, _user: FakeUser, request: Request) -> Response:
    """Return rated answers, the latest first; a cursor is the id of the turn that was shown last."""
    wanted, before = request.query_params.get("rating", ""), request.query_params.get("before", "")
    limit = int(request.query_params.get("limit", "50"))
    rated = [
        (conversation, turn)
        for conversation in world.conversations.values()
        for turn in conversation.turns.values()
        if turn.rating and wanted in ("", turn.rating)
    ]
    rated.sort(key=lambda each: (-each[1].rated_at, each[1].id))
    ids = [turn.id for _, turn in rated]
    start = ids.index(before) + 1 if before in ids else 0
    shown = rated[start : start + limit]
    rest = len(rated) > start + limit
    rows = [_json(world, conversation, turn) for conversation, turn in shown]
    return JSONResponse({"ratings": rows, "next": shown[-1][1].id if rest else None})


def _json(world: World, conversation: FakeConversation, turn: FakeTurn) -> dict[str, object]:
    answer = turn.answer or {}
    owner = world.users.get(conversation.owner)
    right = [one["id"] for one in world.curated.values() if one["enabled"] and turn.question in _questions(one)]
    return {
        "turn_id": turn.id,
        "question": turn.question,
        "standalone": turn.question,
        "answer": answer.get("answer", ""),
        "abstained": bool(answer.get("abstained")),
        "citations": answer.get("citations", []),
        "route": answer.get("route", _NO_ROUTE),
        "rating": turn.rating,
        "reason": turn.reason,
        "comment": turn.comment,
        "rated_at": turn.rated_at,
        "asked_at": turn.created_at,
        "asked_by": conversation.owner,
        "asked_by_name": owner.name if owner else "",
        "put_right": right[0] if right else None,
    }


def _questions(curated: dict[str, object]) -> list[object]:
    found = curated["questions"]
    return found if isinstance(found, list) else []
