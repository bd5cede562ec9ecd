"""What visitors said, for administrators."""

from __future__ import annotations

from sqlalchemy import Engine, exists, func, select

from assistant import conversations
from assistant.conversations import Conversation
from assistant.tables import conversations as conversations_table
from assistant.tables import feedback, turns
from assistant.widgets.tables import widget_conversations, widget_hand_overs, widget_visitors
from assistant.widgets.types import Transcript
from knowledge.database import reading


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
