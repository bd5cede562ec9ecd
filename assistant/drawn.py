"""Pictures that a skill had made: stored for who asked, shown to nobody else, gone with their conversation."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection, Engine, delete, insert, select

from assistant.conversations import owned
from assistant.tables import drawn_pictures
from assistant.types import Picture
from knowledge.database import now, reading

# One that was asked for outside of a chat, as over the API, is fetched at once or not at all.
LOOSE_S = 24 * 3_600.0


def keep(engine: Engine, owner_id: str, conversation_id: str | None, picture: Picture) -> str:
    """Store a picture and return its id; those of the owner that belong to no conversation go after a day."""
    place = conversation_id if conversation_id and owned(engine, owner_id, conversation_id) else None
    identifier = uuid4().hex
    with engine.begin() as connection:
        moment = now(connection)
        loose = (drawn_pictures.c.owner_id == owner_id, drawn_pictures.c.conversation_id.is_(None))
        connection.execute(delete(drawn_pictures).where(*loose, drawn_pictures.c.created_at < moment - LOOSE_S))
        row = {"id": identifier, "owner_id": owner_id, "conversation_id": place, "created_at": moment}
        connection.execute(
            insert(drawn_pictures), {**row, "media_type": picture.media_type, "data": picture.data}
        )  # fmt: skip
    return identifier


def read(engine: Engine, owner_id: str, identifier: str) -> Picture | None:
    """Return a picture of the owner; None where they have none of that id."""
    mine = (drawn_pictures.c.owner_id == owner_id, drawn_pictures.c.id == identifier)
    with reading(engine) as connection:
        row = connection.execute(select(drawn_pictures).where(*mine)).first()
    return None if row is None else Picture(row.media_type, row.data)


def forget_person(connection: Connection, owner_id: str) -> None:
    """Delete all pictures of a person."""
    connection.execute(delete(drawn_pictures).where(drawn_pictures.c.owner_id == owner_id))
