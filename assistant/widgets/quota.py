"""The limits that hold over days and restarts: counted in SQL, in the same transaction that grants."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, func, insert, select, update

from assistant.tables import turns
from assistant.widgets.errors import LimitReached
from assistant.widgets.profile import Limits
from assistant.widgets.tables import widget_conversations, widget_sessions, widget_usage, widgets
from assistant.widgets.types import Session, Usage
from knowledge.database import now, reading
from knowledge.tables import collections, documents

_DAY_S = 86_400
_BUSY = "This chat is very busy today; please try again tomorrow."
_ENOUGH = "You have asked as many questions as fit into one visit; thank you. Please come back later."


def count_session(connection: Connection, widget_id: str, limits: Limits) -> None:
    """Count a new session; raises LimitReached when the widget had as many today as it may."""
    day = _today(connection, widget_id)
    _count(connection, widget_id, day, "sessions", limits.sessions_per_day)


def count_message(engine: Engine, session: Session, limits: Limits) -> None:
    """Count a message of a session and its widget; raises LimitReached when either has used up what it may."""
    with engine.begin() as connection:
        count_one(connection, session, limits)


def count_one(connection: Connection, session: Session, limits: Limits) -> None:
    """Count a message like `count_message`, as part of a transaction."""
    mine = widget_sessions.c.id == session.id, widget_sessions.c.messages < limits.messages_per_session
    day = _today(connection, session.widget_id)
    chosen = widget_usage.c.widget_id == session.widget_id, widget_usage.c.day == day
    tokens = connection.execute(select(widget_usage.c.tokens).where(*chosen)).scalar_one()
    if tokens >= limits.tokens_per_day:
        raise LimitReached(_BUSY, _left(connection))
    more = update(widget_sessions).where(*mine).values(messages=widget_sessions.c.messages + 1)
    if not connection.execute(more).rowcount:
        raise LimitReached(_ENOUGH, max(1.0, session.expires_at - now(connection)))
    _count(connection, session.widget_id, day, "messages", limits.messages_per_day)


def check_files(engine: Engine, widget_id: str, limits: Limits) -> None:
    """Raise LimitReached when the widget's visitors have attached as many files today as they may."""
    mine = (
        select(func.count())
        .select_from(documents)
        .join(collections, collections.c.id == documents.c.collection_id)
        .join(widget_conversations, widget_conversations.c.conversation_id == collections.c.private_to)
        .where(widget_conversations.c.widget_id == widget_id)
    )
    with reading(engine) as connection:
        midnight = now(connection) // _DAY_S * _DAY_S
        if connection.execute(mine.where(documents.c.created_at >= midnight)).scalar_one() >= limits.files_per_day:
            raise LimitReached(_BUSY, _left(connection))


def count_tokens(engine: Engine, turn_id: str, tokens: int) -> None:
    """Count the tokens of a finished turn, when a widget's visitor asked it."""
    asked_of = (
        select(widget_conversations.c.widget_id)
        .join(turns, turns.c.conversation_id == widget_conversations.c.conversation_id)
        .where(turns.c.id == turn_id)
    )
    with reading(engine) as connection:
        widget_id = connection.execute(asked_of).scalar()
    if widget_id is None:
        return
    with engine.begin() as connection:
        day = _today(connection, widget_id)
        chosen = widget_usage.c.widget_id == widget_id, widget_usage.c.day == day
        connection.execute(update(widget_usage).where(*chosen).values(tokens=widget_usage.c.tokens + tokens))


def used_today(engine: Engine, widget_id: str) -> Usage:
    """Return what a widget has used since midnight UTC."""
    with reading(engine) as connection:
        day = int(now(connection) // _DAY_S)
        chosen = widget_usage.c.widget_id == widget_id, widget_usage.c.day == day
        row = connection.execute(select(widget_usage).where(*chosen)).first()
    return Usage() if row is None else Usage(row.sessions, row.messages, row.tokens)


def _today(connection: Connection, widget_id: str) -> int:
    """Return today's number, its row made when it is missing; of one widget, no two transactions do so at once."""
    connection.execute(select(widgets.c.id).where(widgets.c.id == widget_id).with_for_update())
    day = int(now(connection) // _DAY_S)
    chosen = widget_usage.c.widget_id == widget_id, widget_usage.c.day == day
    if connection.execute(select(widget_usage.c.day).where(*chosen)).first() is None:
        empty = {"widget_id": widget_id, "day": day, "sessions": 0, "messages": 0, "tokens": 0}
        connection.execute(insert(widget_usage), empty)
    return day


def _count(connection: Connection, widget_id: str, day: int, what: str, limit: int) -> None:
    column = widget_usage.c[what]
    chosen = widget_usage.c.widget_id == widget_id, widget_usage.c.day == day, column < limit
    if not connection.execute(update(widget_usage).where(*chosen).values({column: column + 1})).rowcount:
        raise LimitReached(_BUSY, _left(connection))


def _left(connection: Connection) -> float:
    return _DAY_S - now(connection) % _DAY_S
