"""POST /v1/chat/completions in OpenAI's shape, and our routes to follow or stop an answer that is being made."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from assistant import conversations, manner
from assistant.api import commands, companions, errors, speech, sse
from assistant.api.auth import SIGNED_IN, Guarded
from assistant.api.chat_schema import ChatBody
from assistant.api.deps import Id, Parts
from assistant.api.doors import Doors, Shared
from assistant.api.live import Live
from assistant.api.own_values import own_values
from assistant.api.places import SEATED, Placed, take_over
from assistant.api.responses import Pieces, disconnected
from assistant.api.schemas import Json
from assistant.app import App
from assistant.calling import approvals
from assistant.calling.typed import typed
from assistant.gallery.companion import Companion
from assistant.gallery.store import PREFIX
from assistant.orchestration.prompts import Message
from assistant.people.credentials import Credential
from assistant.threads import in_thread
from assistant.types import Caller, Picture, Turn, TurnOptions
from knowledge import collections

router = APIRouter(route_class=Guarded)
asking = APIRouter(route_class=Placed)

PING_S = 15.0
MODEL = "assistant"  # the name under which we choose the route ourselves
_EITHER: dict[int | str, Json] = {200: {"content": {"application/json": {}, "text/event-stream": {}}}}
_EVENTS: dict[int | str, Json] = {200: {"content": {"text/event-stream": {}}}}
_STREAM = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}


@asking.post("/v1/chat/completions", tags=["openai"], response_model=None, responses=_EITHER)
async def complete(
    body: ChatBody, request: Request, app: Parts, doors: Shared, credential: Annotated[Credential, Depends(SEATED)]
) -> Response:
    """Answer the last message, from the documents that the caller may read; streamed or whole."""
    caller, inside = credential.caller, body.assistant.conversation_id
    kept = await companions.asked(app, caller, body.model, body.assistant.assistant_id, inside)
    caller, options = await companions.joined(app, caller, await _options(body, app, caller, kept), kept)
    options = await _sampled(body, app, caller, kept, options)
    decisions = body.decisions()
    if not decisions:
        body.question()  # refused before anything is worked for
    for identifier, _ in decisions:
        if await in_thread(approvals.get, app.engine, caller.user_id, identifier) is None:
            raise errors.unknown("call that waits for you")
    # What is said becomes the question before anything else looks at it, and before it is stored.
    heard = await speech.heard(app, doors, caller.user_id, () if decisions else body.sounds(), options.policy)
    question = "" if decisions else body.question([said for said, _ in heard])
    options = replace(options, decisions=decisions, heard=tuple(step for _, step in heard))
    options = await _as_typed(body, app, caller, question, options)
    question, options = await commands.applied(app, question, options)
    turn_id, history = await _asked(body, app, caller, question, bool(options.decisions))
    await companions.settle(app, inside, kept)
    turn = Turn(turn_id, question, history, caller, options)
    usage = body.stream and body.stream_options is not None and body.stream_options.include_usage
    structured = options.sampling.json_schema is not None
    wire = sse.wire(turn_id, body.model, options.conversation_id, usage, structured)
    # Somebody in a conversation may come back to it; a program that hangs up will not.
    grace_s = app.settings.api.resume_grace_s if options.conversation_id else 0.0
    live = doors.streams.begin(turn, credential.id, take_over(request), wire, grace_s)
    if body.stream:
        return follow_response(doors, live, 0)
    return await _whole(doors, live, request)


@router.get("/api/streams/{turn_id}", tags=["conversations"], response_model=None, responses=_EVENTS)
async def follow(
    turn_id: Id,
    doors: Shared,
    credential: Annotated[Credential, Depends(SIGNED_IN)],
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Follow an answer that is being made, or was just made, behind the event that arrived last."""
    live = _found(doors, credential.caller, turn_id)
    after = 0 if last_event_id is None else sse.last_number(turn_id, last_event_id)
    if after is None or not live.holds(after):
        detail = "That part of the stream is not kept any more; read the conversation instead."
        raise errors.Refusal(410, "stream-gone", detail)
    return follow_response(doors, live, after)


@router.post("/api/streams/{turn_id}/stop", status_code=204, tags=["conversations"])
async def stop(turn_id: Id, doors: Shared, credential: Annotated[Credential, Depends(SIGNED_IN)]) -> None:
    """Stop making an answer; what was said stays. Stopping one that is complete changes nothing."""
    _found(doors, credential.caller, turn_id)
    doors.streams.end(credential.caller.user_id, turn_id)


def _found(doors: Doors, caller: Caller, turn_id: str) -> Live:
    live = doors.streams.find(caller.user_id, turn_id)
    if live is None:
        raise errors.unknown("stream")
    return live


def follow_response(doors: Doors, live: Live, after: int) -> Response:
    """Return the response that sends the frames of `live` behind number `after` as they come."""
    return Pieces(live.follow(after, PING_S), "text/event-stream", _STREAM, around=doors.streams.reading(live))


async def _whole(doors: Doors, live: Live, request: Request) -> Response:
    """Wait for the answer; when the client hangs up meanwhile, nobody reads the turn any more."""
    async with doors.streams.reading(live):
        gone = asyncio.create_task(disconnected(request.receive))
        done = asyncio.create_task(live.wait_closed())
        await asyncio.wait((gone, done), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        done.cancel()
    if live.answer is None or live.failed:
        return errors.answer("/v1", 500, "internal", "The answer failed on our side; ask again.")
    return JSONResponse(live.wire.completion(live.answer))


async def _options(body: ChatBody, app: App, caller: Caller, kept: Companion | None) -> TurnOptions:
    """Return what the caller chose; raises the refusal of a model or collection that is not there for them."""
    names = {MODEL, *(model.name for model in app.models.status() if model.enabled)}
    setup = kept.assistant.setup if kept is not None and kept.assistant is not None else None
    model = MODEL if body.model.startswith(PREFIX) else body.model  # companions.py has looked for that assistant
    if model not in names:
        detail = f"There is no model {body.model[:80]!r}; GET /v1/models lists what there is."
        raise errors.Refusal(404, "model-not-found", detail, parameter="model")
    wanted = body.assistant.collections
    for name in wanted or ():
        if await in_thread(collections.get, app.engine, caller.scope, name) is None:
            raise errors.unknown(f"collection {name[:80]!r}")
    return TurnOptions(
        model=model,
        memory=await _memory(body, app, caller),
        collections=None if wanted is None else tuple(wanted),
        grounded=body.assistant.grounded,
        conversation_id=body.assistant.conversation_id,
        policy=body.assistant.policy(),
        max_passages=body.assistant.max_passages,
        fresh=body.assistant.replace_turn is not None,
        pictures=_pictures(body, app, setup.model if setup and model == MODEL else model),
        temporary=body.assistant.temporary,
    )


async def _sampled(
    body: ChatBody, app: App, caller: Caller, kept: Companion | None, options: TurnOptions
) -> TurnOptions:
    """Return `options` with how tokens are chosen.

    What the request sets counts, then what its conversation keeps, the assistant's preset, and the installation's.
    """
    own, inside = body.own(), options.conversation_id
    if inside is not None:
        own = own.over(own_values(await in_thread(manner.kept, app.engine, caller.user_id, inside)))
    setup = kept.assistant.setup if kept is not None and kept.assistant is not None else None
    sampling = own.sampling((setup and setup.preset) or app.registry.choices.preset)
    told = " ".join(filter(None, (options.notice, own.told())))
    return replace(options, sampling=sampling, notice=told)


def _pictures(body: ChatBody, app: App, name: str) -> tuple[Picture, ...]:
    """Return the question's pictures; raises the refusal of some that must be seen when no such model may be asked."""
    found = body.pictures()
    able = [model.name for model in app.models.status() if model.sees and model.enabled]
    if found and body.assistant.pictures == "seen" and not (able if name == MODEL else name in able):
        detail = f"{name[:80]!r} does not see pictures. Name one that does, or leave out 'pictures': 'seen'."
        raise errors.Refusal(422, "no-vision", detail, parameter="assistant.pictures")
    return found


async def _memory(body: ChatBody, app: App, caller: Caller) -> bool:
    """Return whether notes of the caller may be used: a program that answers others must ask for them by name."""
    wanted, conversation = body.assistant.memory, body.assistant.conversation_id
    if body.assistant.temporary:
        return False
    if wanted is None:
        wanted = caller.credential in ("session", "local")
    if not wanted or conversation is None:
        return wanted
    return await in_thread(conversations.remembers, app.engine, caller.user_id, conversation)


async def _as_typed(body: ChatBody, app: App, caller: Caller, question: str, options: TurnOptions) -> TurnOptions:
    """Return the options with what a typed yes or no means for a call that waits in this very chat."""
    inside = options.conversation_id
    if inside is None or options.fresh or options.decisions or body.pictures() or body.sounds():
        return options
    meant = await in_thread(typed, app.engine, caller.user_id, inside, question)
    notice = " ".join(filter(None, (options.notice, meant.notice)))
    return replace(options, decisions=meant.decisions, reply=meant.reply, notice=notice)


async def _asked(
    body: ChatBody, app: App, caller: Caller, question: str, decided: bool
) -> tuple[str, tuple[Message, ...]]:
    """Return the turn's id and what was said before: from the store in a conversation, else from the request."""
    chosen = body.assistant
    if chosen.temporary and (chosen.conversation_id is not None or body.decisions()):
        raise errors.invalid("A temporary chat has no conversation; leave out 'temporary'.", "assistant.temporary")
    if decided:  # no new turn: the one that waits goes on
        return uuid4().hex, ()
    if chosen.conversation_id is None:
        if chosen.replace_turn is not None:
            raise errors.invalid("'replace_turn' needs 'conversation_id'.", "assistant.replace_turn")
        return uuid4().hex, body.history()
    owner, conversation = caller.user_id, chosen.conversation_id
    asked = await in_thread(conversations.ask, app.engine, owner, conversation, question, chosen.replace_turn)
    if asked is None:
        raise errors.unknown("conversation" if chosen.replace_turn is None else "turn in this conversation")
    return asked.turn_id, asked.history
