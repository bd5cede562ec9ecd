"""A widget without a browser: a help desk's or messenger's server sends messages and gets answers, both signed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from assistant.api import errors
from assistant.api.auth import Guarded
from assistant.api.deps import Id, Line, Parts, Text
from assistant.api.doors import Doors, Shared
from assistant.api.live import Live
from assistant.api.schemas import Json, Strict
from assistant.api.widget import start
from assistant.api.widget_auth import HELP_DESK, Entry
from assistant.api.widget_wire import visible
from assistant.app import App
from assistant.threads import in_thread
from assistant.widgets import visitors
from assistant.widgets.tokens import Identity
from assistant.widgets.types import Session
from assistant.wire import answer_json

router = APIRouter(route_class=Guarded, tags=["widget"])


class VisitorBody(Strict):
    """Who writes, as the server knows them."""

    id: Annotated[Line, Field(min_length=1, max_length=200)]
    name: Annotated[Line, Field(max_length=120)] = ""
    groups: list[Annotated[Line, Field(max_length=80)]] = Field(default_factory=list, max_length=200)


class MessageBody(Strict):
    """A message of a visitor that arrived at the help desk."""

    id: Annotated[Line, Field(min_length=1, max_length=200)]  # the help desk's own; comes back with the answer
    visitor: VisitorBody
    text: Annotated[Text, Field(min_length=1, max_length=20_000)]


@router.post("/api/widget/{widget_id}/messages")
async def message(
    widget_id: Id,
    body: MessageBody,
    app: Parts,
    doors: Shared,
    desk: Annotated[Entry, Depends(HELP_DESK)],
    response: Response,
) -> Json:
    """Answer a message: in this reply, or (202) signed to the address that the widget names for replies."""
    session = await _session(app, desk, body.visitor)
    # Nobody reads along, so the answer must not be given up for want of a reader.
    live = await start(app, doors, Entry(desk.widget, "", session), body.text, app.settings.api.chat_timeout_s)
    if desk.widget.profile.replies:
        doors.widgets.later(_send(doors, desk, body, live))
        response.status_code = 202
        return {"type": "accepted", "id": body.id, "turn": live.turn_id}
    await live.wait_closed()
    if live.answer is None or live.failed:
        raise errors.Refusal(502, "no-answer", "The answer failed on our side; send the message again.")
    return _answered(body, live)


async def _session(app: App, desk: Entry, who: VisitorBody) -> Session:
    """Return the visitor's session; a new one, with the same conversation, when name or groups changed."""
    found = await in_thread(visitors.latest, app.engine, desk.widget.id, who.id)
    if found is not None and found.groups == tuple(who.groups) and found.name == who.name:
        return found
    identity = Identity(who.id, who.name, tuple(who.groups))
    return await in_thread(visitors.begin_known, app.engine, desk.widget, identity, "")


async def _send(doors: Doors, desk: Entry, body: MessageBody, live: Live) -> str:
    await live.wait_closed()
    failed = {"type": "failed", "id": body.id, "turn": live.turn_id, "visitor": {"id": body.visitor.id}}
    payload = failed if live.answer is None or live.failed else _answered(body, live)
    return await doors.widgets.outbox.post(desk.widget.id, desk.widget.profile.replies, payload)


def _answered(body: MessageBody, live: Live) -> Json:
    assert live.answer is not None
    answer = visible(dict(answer_json(live.answer)))
    return {"type": "answer", "id": body.id, "turn": live.turn_id, "visitor": {"id": body.visitor.id}, "answer": answer}
