"""What the owner of a conversation set about how its answers are worded; kept with it, as text that the API reads."""

from __future__ import annotations

from sqlalchemy import Engine, select, update

from assistant.tables import conversations
from knowledge.database import reading


def kept(engine: Engine, owner_id: str, conversation_id: str) -> str:
    """Return the JSON that was kept with the owner's conversation, "" where nothing was."""
    mine = conversations.c.owner_id == owner_id, conversations.c.id == conversation_id
    with reading(engine) as connection:
        found = connection.execute(select(conversations.c.manner).where(*mine)).first()
    return found.manner if found is not None else ""


def keep(engine: Engine, owner_id: str, conversation_id: str, text: str) -> bool:
    """Keep `text` in place of what was kept, "" for nothing; False if the owner has no such conversation."""
    mine = conversations.c.owner_id == owner_id, conversations.c.id == conversation_id
    with engine.begin() as connection:
        return connection.execute(update(conversations).where(*mine).values(manner=text)).rowcount > 0
