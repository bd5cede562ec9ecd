"""Ratings of answers, by the person who asked. Data sets are made of them."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Engine, delete, insert, select

from assistant.tables import conversations, feedback, turns
from knowledge.database import now

Rating = Literal["up", "down"]


def rate(
    engine: Engine, owner_id: str, turn_id: str, rating: Rating | None, reason: str | None, comment: str | None
) -> bool:
    """Set, replace or (None) take back the owner's rating of a turn; False if the owner has no such turn."""
    with engine.begin() as connection:
        # The turn's row is locked on PostgreSQL, so that two ratings at the same moment follow each other.
        mine = (
            select(turns.c.id)
            .join(conversations, conversations.c.id == turns.c.conversation_id)
            .where(turns.c.id == turn_id, conversations.c.owner_id == owner_id)
            .with_for_update(of=turns)
        )
        if connection.execute(mine).first() is None:
            return False
        connection.execute(delete(feedback).where(feedback.c.turn_id == turn_id))
        if rating is not None:
            values = {"turn_id": turn_id, "owner_id": owner_id, "rating": rating, "updated_at": now(connection)}
            connection.execute(insert(feedback), {**values, "reason": reason, "comment": comment})
    return True
