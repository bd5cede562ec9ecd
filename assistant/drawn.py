"""Pictures that a skill had made: stored for who asked, shown to nobody else, gone with their conversation."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, insert, not_, select

from assistant.conversations import owned
from assistant.tables import drawn_pictures
from assistant.types import Picture
from knowledge.database import now, reading

# One that was asked for outside of a chat, as over the API, is fetched at once or not at all.
LOOSE_S = 24 * 3_600.0


def keep(engine: Engine, owner_id: str, conversation_id: str | None, picture: Picture) -> str:
    """Store a picture and return its id; those that belong to no conversation go after a day."""
    place = conversation_id if conversation_id and owned(engine, owner_id, conversation_id) else None
    identifier = uuid4().hex
    with engine.begin() as connection:
        moment = now(connection)
        connection.execute(delete(drawn_pictures).where(_left(moment)))
        row: dict[str, object] = {
            "id": identifier,
            "owner_id": owner_id,
            "conversation_id": place,
            "created_at": moment,
        }
        row |= {"media_type": picture.media_type, "data": picture.data}
        connection.execute(insert(drawn_pictures), row)
    return identifier


def read(engine: Engine, owner_id: str, identifier: str) -> Picture | None:
    """Return a picture of the owner; None where they have none of that id."""
    mine = (drawn_pictures.c.owner_id == owner_id, drawn_pictures.c.id == identifier)
    with reading(engine) as connection:
        row = connection.execute(select(drawn_pictures).where(*mine, not_(_left(now(connection))))).first()
    return None if row is None else Picture(row.media_type, row.data)


def forget_person(connection: Connection, owner_id: str) -> None:
    """Delete all pictures of a person."""
    connection.execute(delete(drawn_pictures).where(drawn_pictures.c.owner_id == owner_id))


def _left(moment: float) -> ColumnElement[bool]:
    """Return what is true of pictures of no conversation whose day is over at `moment`."""
    return and_(drawn_pictures.c.conversation_id.is_(None), drawn_pictures.c.created_at < moment - LOOSE_S)
