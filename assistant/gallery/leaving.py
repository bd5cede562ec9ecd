"""What becomes of somebody's assistants when their account is deleted."""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists

from assistant.tables import assistant_readers, assistants


def forget_owner(connection: Connection, owner_id: str) -> None:
    """Delete what they kept to themselves; what they shared stays, for administrators to look after."""
    shared = exists().where(assistant_readers.c.assistant_id == assistants.c.id)
    connection.execute(delete(assistants).where(assistants.c.owner_id == owner_id, ~shared))
