"""Rated answers as they lie in SQL, newest rating first, for administrators alone.

Left out are the ratings of a widget's visitors: their transcripts have a page of their own, with the widget's own time
to keep them. Temporary chats leave no turn, so there is nothing of them to rate.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, and_, exists, func, or_, select

from assistant.feedback import Rating
from assistant.orchestration.notes import LEFT_OUT
from assistant.people.tables import users
from assistant.ratings.errors import RatingsClosed
from assistant.tables import conversations, feedback, turn_records, turns
from assistant.widgets.tables import widget_conversations, widget_visitors
from assistant.wire import AnswerJson
from knowledge.database import reading
from knowledge.types import Scope


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: behind this rating."""

    rated_at: float  # seconds since the epoch
    turn_id: str


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating with the turn that it belongs to."""

    turn_id: str
    question: str
    standalone: str  # the question as it was understood; the question itself where no record tells
    answer: AnswerJson | None  # None: it failed before anything was said
    private: bool  # question or answer may hold the person's own notes, so that the turn's record leaves them out
    passages: tuple[str, ...]  # ids of the chunks that were given to the model, in order; empty where it was not asked
    rating: Rating
    reason: str | None
    comment: str | None
    rated_at: float  # seconds since the epoch
    asked_at: float
    owner_id: str  # who asked and rated: a user's id, or "local"
    owner: str  # their name; "" for the command line and for accounts that are gone

    @property
    def place(self) -> Place:
        """Return where a list goes on behind this one."""
        return Place(self.rated_at, self.turn_id)


def newest(
    engine: Engine,
    scope: Scope,
    limit: int,
    rating: Rating | None = None,
    before: Place | None = None,
    since: float = 0.0,
) -> list[Rated]:
    """Return at most `limit` ratings of `since` (seconds since the epoch) or later, the newest first.

    `rating` None means both; `before` continues behind that place. Raises RatingsClosed unless `scope` is an
    administrator's.
    """
    _check(scope)
    statement = _rated().where(_of_people(), feedback.c.updated_at >= since).limit(limit)
    if rating is not None:
        statement = statement.where(feedback.c.rating == rating)
    if before is not None:
        same = and_(feedback.c.updated_at == before.rated_at, feedback.c.turn_id < before.turn_id)
        statement = statement.where(or_(feedback.c.updated_at < before.rated_at, same))
    with reading(engine) as connection:
        return [_one(row) for row in connection.execute(statement)]


def count_of_visitors(engine: Engine, scope: Scope, since: float) -> int:
    """Return how many ratings of `since` or later are left out because a widget's visitor gave them.

    Raises RatingsClosed unless `scope` is an administrator's.
    """
    _check(scope)
    statement = select(func.count()).select_from(feedback).where(~_of_people(), feedback.c.updated_at >= since)
    with reading(engine) as connection:
        return int(connection.execute(statement).scalar_one())


def _check(scope: Scope) -> None:
    if not scope.sees_all:
        raise RatingsClosed("Ratings are read by administrators alone; ask one.")


def _of_people() -> ColumnElement[bool]:
    """Return the condition that no visitor gave the rating; either of two facts about it is enough to leave it out."""
    visitor = exists().where(widget_visitors.c.id == feedback.c.owner_id)
    visit = exists().where(
        widget_conversations.c.conversation_id == turns.c.conversation_id, turns.c.id == feedback.c.turn_id
    )
    return and_(~visitor, ~visit)


def _rated() -> Select[Any]:
    return (
        select(feedback, turns.c.question, turns.c.answer, turns.c.created_at, users.c.name, turn_records.c.data)
        .join(turns, turns.c.id == feedback.c.turn_id)
        .join(conversations, conversations.c.id == turns.c.conversation_id)
        .outerjoin(users, users.c.id == feedback.c.owner_id)
        .outerjoin(turn_records, turn_records.c.turn_id == feedback.c.turn_id)
        .order_by(feedback.c.updated_at.desc(), feedback.c.turn_id.desc())
    )


def _one(row: Row[Any]) -> Rated:
    record = json.loads(row.data) if row.data else {}
    told, said = record.get("standalone"), record.get("answer", {}).get("answer")
    return Rated(
        turn_id=row.turn_id,
        question=row.question,
        standalone=row.question if told in (None, "", LEFT_OUT) else told,
        answer=json.loads(row.answer) if row.answer else None,
        private=LEFT_OUT in (told, said),
        passages=tuple(passage["chunk"] for passage in record.get("passages", ())),
        rating=row.rating,
        reason=row.reason,
        comment=row.comment,
        rated_at=row.updated_at,
        asked_at=row.created_at,
        owner_id=row.owner_id,
        owner=row.name or "",
    )
