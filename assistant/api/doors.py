"""What the routes share besides the application itself: figures, rooms with bounded places, answers in the making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from assistant import conversations
from assistant.api.admission import Capacity, Room
from assistant.api.metrics import Metrics
from assistant.api.streams import Streams
from assistant.api.widget_doors import WidgetDoors
from assistant.app import App
from assistant.conversations import Status
from assistant.people.credentials import still_good
from assistant.threads import in_thread, in_writer_thread
from assistant.types import Answer, Turn
from assistant.widgets import quota, visitors
from assistant.widgets.challenge import Work
from assistant.widgets.outbox import Outbox
from assistant.wire import answer_json

# Password hashing: two at a time, a small queue, few from one address, so that guessing starves nobody else.
_LOGINS = Capacity(inside=2, waiting=100, per_key=10)
# Uploads: each holds a thread as long as its body takes to arrive, so one person gets only some of them.
_UPLOADS = Capacity(inside=8, waiting=100, per_key=4)

# Recordings: each is held in memory until its words are there.
_SPEECH = Capacity(inside=4, waiting=32, per_key=4, per_minute=60)


@dataclass(frozen=True, slots=True)
class Doors:
    """One per application."""

    metrics: Metrics
    chats: Room
    searches: Room
    logins: Room
    uploads: Room
    speech: Room
    writers: CapacityLimiter  # the threads of uploads, apart from those of everything else
    listeners: CapacityLimiter  # the threads in which recordings arrive
    streams: Streams
    widgets: WidgetDoors


def doors(app: App) -> Doors:
    """Return the doors of `app`, with limits from its settings."""
    limits, metrics = app.settings.api, Metrics()
    chats = Capacity(
        limits.max_chats, limits.max_queued_chats, limits.max_chats_per_user, limits.chats_per_minute_per_user
    )
    searches = Capacity(limits.max_searches, limits.max_queued_searches, limits.max_queued_searches)

    async def stored(turn: Turn, status: Status, answer: Answer | None) -> None:
        if turn.options.conversation_id is None:  # it has no row, and its reader need not wait for the database
            return
        json = None if answer is None else answer_json(answer)
        await in_writer_thread(conversations.finish, app.engine, turn.id, status, json)
        if answer is not None and turn.caller.credential == "widget":
            await in_writer_thread(quota.count_tokens, app.engine, turn.id, tokens_of(answer))

    async def keep(said: dict[str, Answer]) -> None:
        json = {turn_id: answer_json(answer) for turn_id, answer in said.items()}
        await in_writer_thread(conversations.keep, app.engine, json)

    async def good(credential_ids: set[str]) -> set[str]:
        people = await in_thread(still_good, app.engine, credential_ids)
        return people | await in_thread(visitors.still_good, app.engine, credential_ids - people)

    return Doors(
        metrics,
        Room("chats", chats, metrics),
        Room("searches", searches, metrics),
        Room("logins", _LOGINS, metrics),
        Room("uploads", _UPLOADS, metrics),
        Room("speech", _SPEECH, metrics),
        CapacityLimiter(_UPLOADS.inside),
        CapacityLimiter(_SPEECH.inside),
        Streams(app.turns, limits, metrics, stored, keep, good),
        WidgetDoors(Work(app.engine, app.secrets), Outbox(app.engine, app.secrets, app.settings.widgets)),
    )


def tokens_of(answer: Answer) -> int:
    """Return what an answer cost; one that was broken off does not tell, so its letters are counted."""
    return max(answer.usage.input_tokens + answer.usage.output_tokens, len(answer.text) // 4)


async def the_doors(request: Request) -> Doors:
    """Return the doors of this application."""
    found: Doors = request.app.state.doors
    return found


Shared = Annotated[Doors, Depends(the_doors)]
