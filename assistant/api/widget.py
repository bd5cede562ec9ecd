"""What a widget in a visitor's browser calls. No request names a conversation: the session knows which one it has."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import Field

from assistant import conversations, feedback
from assistant.api import errors, sse
from assistant.api.auth import ANYONE, Guarded
from assistant.api.chat import follow_response
from assistant.api.cors import MAY_SEND
from assistant.api.deps import Id, Line, Parts, Text, client_address, the_app
from assistant.api.doors import Doors, Shared
from assistant.api.live import Live
from assistant.api.schemas import Json, Strict
from assistant.api.widget_auth import AT_ORIGIN, PREFLIGHT, VISITOR, Entry
from assistant.api.widget_profile import in_profile
from assistant.api.widget_wire import VisitorWire, turn_json
from assistant.app import App
from assistant.threads import in_thread, in_writer_thread
from assistant.types import Turn, TurnOptions
from assistant.widgets import hand_over, tokens, visitors
from assistant.widgets.errors import LimitReached, VisitorRefused
from assistant.widgets.profile import Attachments
from assistant.widgets.types import Session, Widget

router = APIRouter(route_class=Guarded, tags=["widget"])

SCRIPT = Path(__file__).parents[2] / "ui" / "widget" / "widget.js"
_SCRIPT_HEADERS = {
    "Cache-Control": "public, max-age=300",
    "Access-Control-Allow-Origin": "*",  # the script is public; so pages may pin it with `integrity`
    "Cross-Origin-Resource-Policy": "cross-origin",
}
AtPage = Annotated[Entry, Depends(AT_ORIGIN)]
Visit = Annotated[Entry, Depends(VISITOR)]


class Solution(Strict):
    """A solved challenge."""

    task: Annotated[Line, Field(max_length=200)]
    solution: Annotated[Line, Field(max_length=20)]


class SessionBody(Strict):
    """How a visitor comes: with the host's token, with the handle of before the reload, or as nobody known."""

    token: Annotated[Text, Field(max_length=tokens.TOKEN_CHARACTERS)] | None = None
    resume: Annotated[Line, Field(max_length=100)] | None = None
    challenge: Solution | None = None


class QuestionBody(Strict):
    """A visitor's question."""

    question: Annotated[Text, Field(min_length=1, max_length=20_000)]


class VerdictBody(Strict):
    """A visitor's rating of an answer; null takes it back."""

    rating: Literal["up", "down"] | None
    comment: Annotated[Text, Field(max_length=1_000)] | None = None


class HandOverBody(Strict):
    """A visitor asks for a person."""

    contact: Annotated[Line, Field(max_length=320)] = ""
    note: Annotated[Text, Field(max_length=4_000)] = ""


@router.get("/widget.js", dependencies=[Depends(ANYONE)], response_class=Response,
            responses={200: {"content": {"text/javascript": {}}}})  # fmt: skip
async def script() -> Response:
    """Return the widget's script, the same for all widgets."""
    text = await in_thread(SCRIPT.read_bytes)
    return Response(text, media_type="text/javascript", headers=_SCRIPT_HEADERS)


@router.options("/api/widget/{widget_id}/{rest:path}", status_code=204)
async def preflight(widget_id: Id, rest: str, page: Annotated[Entry, Depends(PREFLIGHT)]) -> Response:
    """Tell a browser on a listed origin what it may send."""
    return Response(status_code=204, headers=MAY_SEND)


@router.get("/api/widget/{widget_id}/look")
async def look(widget_id: Id, app: Parts, page: AtPage) -> Json:
    """Return how the widget looks and what it says before the first question."""
    return public_profile(page.widget)


@router.post("/api/widget/{widget_id}/session", status_code=201)
async def begin(
    widget_id: Id, body: SessionBody, request: Request, app: Parts, doors: Shared, page: AtPage, response: Response
) -> Json:
    """Begin or resume a visit and return its token; 202 with a challenge when that has to be solved first."""
    handle = body.resume
    session = (
        await _resumed(app, page, handle) if body.token is None else await _known(request, doors, page, body.token)
    )
    if session is None:
        if not page.widget.profile.anonymous:
            raise VisitorRefused("Please sign in on this site to use the chat.")
        task = await _task(body, doors, page)
        if task is not None:
            response.status_code = 202
            return {"challenge": {"task": task, "bits": doors.widgets.challenge.bits}}
        _pace(doors, page.widget, client_address(request))
        fresh = await in_writer_thread(visitors.begin_anonymous, app.engine, app.secrets, page.widget, page.origin)
        session, handle = fresh[0], fresh[1]
    token, expires = tokens.issue(app.secrets, page.widget.id, session.id, session.expires_at)
    return {
        "token": token,
        "expires_in": max(0.0, expires - time.time()),
        "resume": None if body.token else handle,
        "name": session.name,
        "turns": await _turns(app, session),
    }


@router.get("/api/widget/{widget_id}/conversation")
async def conversation(widget_id: Id, app: Parts, visit: Visit) -> Json:
    """Return the turns of the conversation that is shown."""
    return {"turns": await _turns(app, visit.visitor)}


@router.post("/api/widget/{widget_id}/reset", status_code=204)
async def reset(widget_id: Id, app: Parts, visit: Visit) -> None:
    """Let the next question begin a new conversation."""
    await in_thread(visitors.forget_conversation, app.engine, visit.visitor)


@router.post("/api/widget/{widget_id}/ask", response_model=None,
             responses={200: {"content": {"text/event-stream": {}}}})  # fmt: skip
async def ask(widget_id: Id, body: QuestionBody, app: Parts, doors: Shared, visit: Visit) -> Response:
    """Answer a question as a stream of small JSON objects."""
    live = await start(app, doors, visit, body.question, app.settings.api.resume_grace_s)
    return follow_response(doors, live, 0)


@router.get("/api/widget/{widget_id}/streams/{answer_id}", response_model=None,
            responses={200: {"content": {"text/event-stream": {}}}})  # fmt: skip
async def follow(
    widget_id: Id,
    answer_id: Id,
    doors: Shared,
    visit: Visit,
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Follow an answer that is being made, behind the event that arrived last."""
    live = doors.streams.find(visit.visitor.visitor_id, answer_id)
    after = 0 if last_event_id is None else sse.last_number(answer_id, last_event_id)
    if live is None or after is None or not live.holds(after):
        raise errors.unknown("answer in the making")
    return follow_response(doors, live, after)


@router.post("/api/widget/{widget_id}/streams/{answer_id}/stop", status_code=204)
async def stop(widget_id: Id, answer_id: Id, doors: Shared, visit: Visit) -> None:
    """Stop making an answer; what was said stays."""
    if not doors.streams.end(visit.visitor.visitor_id, answer_id):
        raise errors.unknown("answer in the making")


@router.put("/api/widget/{widget_id}/turns/{answer_id}/feedback", status_code=204)
async def rate(widget_id: Id, answer_id: Id, body: VerdictBody, app: Parts, visit: Visit) -> None:
    """Rate an answer, or take the rating back."""
    owner = visit.visitor.visitor_id
    if not await in_thread(feedback.rate, app.engine, owner, answer_id, body.rating, None, body.comment):
        raise errors.unknown("answer")


@router.post("/api/widget/{widget_id}/hand-over", status_code=202)
async def ask_for_person(widget_id: Id, body: HandOverBody, app: Parts, doors: Shared, visit: Visit) -> Json:
    """Hand the conversation over to a person; it is stored even when it cannot be sent now."""
    target = visit.widget.profile.hand_over
    if not target.offered:
        raise errors.Refusal(409, "no-hand-over", "Nobody can take over this chat; please use the site's contact page.")
    pace_visitor(doors, visit)
    shown = await in_writer_thread(visitors.conversation_for, app.engine, visit.visitor)
    request = await in_thread(hand_over.store, app.engine, visit.visitor, shown, body.contact, body.note)
    doors.widgets.later(hand_over.send(app.engine, doors.widgets.outbox, app.skills, visit.widget, request))
    return {"id": request.id, "people_there": hand_over.people_there(target.hours, time.time())}


async def start(app: App, doors: Doors, visit: Entry, question: str, grace_s: float) -> Live:
    """Begin to answer a visitor's question, within the limits of the visitor and the widget; raises their refusals."""
    widget, session, limits = visit.widget, visit.visitor, visit.widget.profile.limits
    if len(question) > limits.question_characters:
        raise errors.invalid(f"A question has at most {limits.question_characters} characters; shorten yours.")
    if not question.strip():
        raise errors.invalid("The question is empty; write one.", "question")
    pace_visitor(doors, visit)
    ticket = doors.chats.enter(session.visitor_id, "visitor")
    try:
        shown = await in_writer_thread(visitors.enter, app.engine, session, limits)
        caller, options = await in_profile(app, visit, _options(app, widget, shown))
        asked = await in_writer_thread(conversations.ask, app.engine, session.visitor_id, shown, question)
        if asked is None:
            raise errors.unknown("conversation")
    except BaseException:
        ticket.leave()
        raise
    turn = Turn(asked.turn_id, question, asked.history, caller, options)
    wire = VisitorWire(turn.id, "assistant", None, False, int(time.time()))
    return doors.streams.begin(turn, session.id, ticket, wire, grace_s)


def public_profile(widget: Widget) -> Json:
    """Return what everybody may know of a widget."""
    chosen = widget.profile
    return {
        "id": widget.id,
        "look": chosen.look.model_dump() | {"title": chosen.look.title or widget.name},
        "words": chosen.words.model_dump(),
        "translations": {name: words.model_dump() for name, words in chosen.translations.items()},
        "languages": list(chosen.languages),
        "anonymous": chosen.anonymous,
        "question_characters": chosen.limits.question_characters,
        "attachments": _attachable(chosen.attachments),
        "hand_over": chosen.hand_over.offered,
        "people_there": hand_over.people_there(chosen.hand_over.hours, time.time()),
    }


def _attachable(files: Attachments) -> Json | None:
    return files.model_dump(exclude={"allowed"}) if files.allowed else None


def _options(app: App, widget: Widget, conversation_id: str) -> TurnOptions:
    chosen = widget.profile
    # A model that was removed since must not silence the widget.
    model = chosen.model if chosen.model in {one.name for one in app.models.status()} else "assistant"
    return TurnOptions(model=model, collections=chosen.collections or None, conversation_id=conversation_id)


def _pace(doors: Doors, widget: Widget, address: str) -> None:
    wait_s = doors.widgets.rates.take(f"session:{widget.id}:{address}", widget.profile.limits.sessions_per_hour, 3_600)
    if wait_s:
        raise LimitReached("Too many chats were begun from your network; please try again later.", wait_s)


def pace_visitor(doors: Doors, visit: Entry) -> None:
    """Count one thing that a visitor asks for; raises LimitReached when they ask for too much at once."""
    limit = visit.widget.profile.limits.messages_per_minute
    wait_s = doors.widgets.rates.take(f"message:{visit.visitor.visitor_id}", limit, 60.0)
    if wait_s:
        raise LimitReached("You are asking very quickly; please wait a moment.", wait_s)


async def _known(request: Request, doors: Doors, page: Entry, token: str) -> Session:
    app = the_app(request)
    identity = await in_thread(tokens.identify, app.engine, app.secrets, page.widget.id, token)
    _pace(doors, page.widget, client_address(request))
    return await in_writer_thread(visitors.begin_known, app.engine, page.widget, identity, page.origin)


async def _resumed(app: App, page: Entry, handle: str | None) -> Session | None:
    if handle is None:
        return None
    return await in_thread(visitors.resume, app.engine, app.secrets, page.widget, handle, page.origin)


async def _task(body: SessionBody, doors: Doors, page: Entry) -> str | None:
    """Return a task to be solved first, None when none is needed or it was solved."""
    challenge, widget_id = doors.widgets.challenge, page.widget.id
    if not doors.widgets.rates.take(f"flood:{widget_id}", page.widget.profile.limits.challenge_above, 60.0):
        return None
    solved = body.challenge
    if solved is not None and await in_thread(challenge.solved, widget_id, solved.task, solved.solution):
        return None
    return challenge.task(widget_id)


async def _turns(app: App, session: Session) -> list[Json]:
    if session.conversation_id is None:
        return []
    found = await in_thread(conversations.read, app.engine, session.visitor_id, session.conversation_id)
    return [turn_json(turn) for turn in found.turns] if found else []
