"""Groups: names that collections and documents can have as readers, as "group:<name>"."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from assistant.errors import UserNameTaken
from assistant.people.names import clean_name
from assistant.people.tables import groups, memberships
from knowledge.database import now, reading


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of users."""

    name: str
    n_members: int


def add(engine: Engine, name: str) -> Group:
    """Store and return a new group. Raises NameUnusable or UserNameTaken."""
    clean = clean_name(name, "group")
    try:
        with engine.begin() as connection:
            connection.execute(insert(groups), {"name": clean, "created_at": now(connection)})
    except IntegrityError as exc:
        raise UserNameTaken(f"There is a group named {clean!r} already; choose another name.") from exc
    return Group(clean, 0)


def everything(engine: Engine) -> list[Group]:
    """Return all groups by name."""
    members = func.count(memberships.c.user_id)
    statement = select(groups.c.name, members).outerjoin(memberships).group_by(groups.c.name).order_by(groups.c.name)
    with reading(engine) as connection:
        return [Group(name, count) for name, count in connection.execute(statement)]


def remove(engine: Engine, name: str) -> bool:
    """Delete a group and its memberships; False when there is none.

    Readers "group:<name>" of documents stay: nobody matches them any more, whereas taking the last reader off a
    document would open it to all readers of its collection.
    """
    with engine.begin() as connection:
        return connection.execute(delete(groups).where(groups.c.name == name)).rowcount > 0
