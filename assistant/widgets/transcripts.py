"""What visitors said, for administrators, and how it goes: with its attachments and its records."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, delete, exists, func, select, update

from assistant import attachments, conversations
from assistant.conversations import Conversation
from assistant.tables import conversations as conversations_table
from assistant.tables import feedback, turn_records, turns
from assistant.widgets.tables import widget_conversations, widget_hand_overs, widget_sessions, widget_visitors
from assistant.widgets.types import Transcript
from knowledge.database import now, reading

_AT_ONCE = 200  # transcripts deleted in one transaction


def page(engine: Engine, widget_id: str, limit: int, before: float | None = None) -> list[Transcript]:
    """Return conversations of a widget's visitors, the last used first; `before` continues after that updated_at."""
    chats, links = conversations_table, widget_conversations
    said = select(func.count()).select_from(turns).where(turns.c.conversation_id == chats.c.id).scalar_subquery()
    rated = select(func.count()).select_from(feedback).join(turns, turns.c.id == feedback.c.turn_id)
    down = rated.where(turns.c.conversation_id == chats.c.id, feedback.c.rating == "down").scalar_subquery()
    handed = exists().where(widget_hand_overs.c.conversation_id == chats.c.id)
    columns = (chats, widget_visitors.c.name, widget_visitors.c.subject, said.label("said"), down.label("down"))
    statement = (
        select(*columns, handed.label("handed"))
        .join(links, links.c.conversation_id == chats.c.id)
        .join(widget_visitors, widget_visitors.c.id == links.c.visitor_id)
        .where(links.c.widget_id == widget_id)
        .order_by(chats.c.updated_at.desc(), chats.c.id)
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(chats.c.updated_at < before)
    with reading(engine) as connection:
        rows = connection.execute(statement).all()
    return [
        Transcript(
            row.id, row.title, row.name or row.subject or "", row.said, row.down, bool(row.handed), row.updated_at
        )
        for row in rows
    ]


def read(engine: Engine, widget_id: str, conversation_id: str) -> Conversation | None:
    """Return one conversation of a widget's visitor, None when the widget has none such."""
    mine = widget_conversations.c.widget_id == widget_id, widget_conversations.c.conversation_id == conversation_id
    with reading(engine) as connection:
        visitor = connection.execute(select(widget_conversations.c.visitor_id).where(*mine)).scalar()
    return None if visitor is None else conversations.read(engine, visitor, conversation_id)


def remove(engine: Engine, widget_id: str, conversation_id: str) -> bool:
    """Delete one transcript for good, with attachments, ratings, requests and records; False when there is none."""
    return _forget(engine, widget_id, conversation_id) == 1


def remove_all(engine: Engine, widget_id: str) -> None:
    """Delete all transcripts of a widget."""
    while _forget(engine, widget_id):
        pass


def sweep(engine: Engine, widget_id: str, keep_days: int) -> int:
    """Delete transcripts that nobody has used for more than `keep_days`; returns how many there were."""
    with reading(engine) as connection:
        before = now(connection) - keep_days * 86_400
    total = 0
    while found := _forget(engine, widget_id, before=before):
        total += found
    return total


def _forget(engine: Engine, widget_id: str, conversation_id: str | None = None, before: float | None = None) -> int:
    """Delete at most `_AT_ONCE` transcripts of a widget: that one, or those not used since `before`, or any."""
    chats, links = conversations_table, widget_conversations
    chosen = select(chats.c.id, chats.c.owner_id).join(links, links.c.conversation_id == chats.c.id)
    chosen = chosen.where(links.c.widget_id == widget_id).limit(_AT_ONCE)
    if conversation_id is not None:
        chosen = chosen.where(chats.c.id == conversation_id)
    if before is not None:
        chosen = chosen.where(chats.c.updated_at < before)
    with reading(engine) as connection:
        owners = {row.id: row.owner_id for row in connection.execute(chosen)}
    for identifier, owner in owners.items():  # first: a transcript that is left over is found again, a file is not
        attachments.forget(engine, owner, [identifier])
    with engine.begin() as connection:
        _delete(connection, list(owners))
    return len(owners)


def _delete(connection: Connection, identifiers: Sequence[str]) -> None:
    shown = widget_sessions.c.conversation_id.in_(identifiers)
    connection.execute(update(widget_sessions).where(shown).values(conversation_id=None))
    connection.execute(delete(turn_records).where(turn_records.c.conversation_id.in_(identifiers)))
    connection.execute(delete(conversations_table).where(conversations_table.c.id.in_(identifiers)))
