"""Users and their groups. What changes here holds from the next request on, for every kind of credential."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from assistant import drawn
from assistant.calling import approvals, long_calls
from assistant.errors import LastAdministrator, UnknownGroup, UserNameTaken, WrongPassword
from assistant.gallery.leaving import forget_owner
from assistant.memory.group_store import forget_author
from assistant.memory.store import forget_person
from assistant.people import passwords
from assistant.people.names import clean_name, name_key
from assistant.people.tables import api_keys, groups, memberships, sessions, users
from assistant.tables import conversations, turn_records
from knowledge.database import now, reading


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account."""

    id: str
    name: str
    is_admin: bool
    active: bool  # False: suspended
    groups: tuple[str, ...]  # by name
    created_at: float  # seconds since the epoch


def add(
    engine: Engine, name: str, password: str, is_admin: bool, group_names: Iterable[str], min_password_chars: int
) -> User:
    """Store and return a new user. Raises NameUnusable, PasswordUnusable, UserNameTaken or UnknownGroup."""
    hashed = passwords.hashed(passwords.checked(password, name, min_password_chars))
    with engine.begin() as connection:
        return insert_user(connection, name, hashed, is_admin, group_names)


def insert_user(
    connection: Connection, name: str, password_hash: str, is_admin: bool, group_names: Iterable[str] = ()
) -> User:
    """Store and return a new user within the caller's transaction; raises like `add`."""
    clean = clean_name(name)
    identifier, moment = uuid4().hex, now(connection)
    values = {"id": identifier, "name": clean, "name_key": name_key(clean), "password_hash": password_hash}
    state = {"is_admin": is_admin, "active": True, "created_at": moment, "updated_at": moment}
    try:
        connection.execute(insert(users), {**values, **state})
    except IntegrityError as exc:
        raise UserNameTaken(f"There is a user named {clean!r} already; choose another name.") from exc
    _set_groups(connection, identifier, group_names)
    return _load(connection, users.c.id == identifier)[0]


def get(engine: Engine, identifier: str) -> User | None:
    """Return the user with that id, None when there is none."""
    with reading(engine) as connection:
        return next(iter(_load(connection, users.c.id == identifier)), None)


def named(engine: Engine, name: str) -> User | None:
    """Return the user with that name (however it is capitalised), None when there is none."""
    with reading(engine) as connection:
        return next(iter(_load(connection, users.c.name_key == name_key(name))), None)


def everybody(engine: Engine) -> list[User]:
    """Return all users by name."""
    with reading(engine) as connection:
        return _load(connection)


def any_exist(engine: Engine) -> bool:
    """Return whether there is any user yet."""
    with reading(engine) as connection:
        return connection.execute(select(users.c.id).limit(1)).first() is not None


def change(
    engine: Engine,
    identifier: str,
    *,
    active: bool | None = None,
    is_admin: bool | None = None,
    group_names: Iterable[str] | None = None,
    password: str | None = None,
    min_password_chars: int,
) -> User | None:
    """Change what is not None and return the user; None when there is none.

    A suspended user's sessions end; a new password ends all sessions and API keys too, since whoever had the old one
    may have made them. Raises LastAdministrator if nobody active could administer any more, and like `add`.
    """
    user = get(engine, identifier)
    if user is None:
        return None
    values: dict[str, object] = {}
    if password is not None:
        values["password_hash"] = passwords.hashed(passwords.checked(password, user.name, min_password_chars))
    values |= {name: value for name, value in (("active", active), ("is_admin", is_admin)) if value is not None}
    with engine.begin() as connection:
        connection.execute(update(users).where(users.c.id == identifier).values(**values, updated_at=now(connection)))
        _refuse_without_administrator(connection, user)
        if active is False or password is not None:
            connection.execute(delete(sessions).where(sessions.c.user_id == identifier))
        if password is not None:
            connection.execute(delete(api_keys).where(api_keys.c.user_id == identifier))
        if group_names is not None:
            connection.execute(delete(memberships).where(memberships.c.user_id == identifier))
            _set_groups(connection, identifier, group_names)
        return next(iter(_load(connection, users.c.id == identifier)), None)


def change_own_password(engine: Engine, identifier: str, old: str, new: str, min_password_chars: int) -> None:
    """Set a new password when the old one is right, and end all sessions. Raises WrongPassword, PasswordUnusable."""
    with reading(engine) as connection:
        row = connection.execute(select(users.c.password_hash).where(users.c.id == identifier)).first()
    if not passwords.matches(old, row.password_hash if row else None):
        raise WrongPassword("The old password is not right; nothing was changed.")
    change(engine, identifier, password=new, min_password_chars=min_password_chars)


def remove(engine: Engine, identifier: str) -> list[str] | None:
    """Delete a user with credentials, notes, conversations, turn records and approvals; None when there is none.

    Returns the ids of the conversations, whose attachments the caller deletes. Raises LastAdministrator.
    """
    user = get(engine, identifier)
    if user is None:
        return None
    with engine.begin() as connection:
        connection.execute(delete(users).where(users.c.id == identifier))
        _refuse_without_administrator(connection, user)
        forget_person(connection, identifier)
        forget_author(connection, identifier)
        long_calls.forget_person(connection, identifier)
        drawn.forget_person(connection, identifier)
        approvals.forget_person(connection, identifier)
        connection.execute(delete(turn_records).where(turn_records.c.owner_id == identifier))
        forget_owner(connection, identifier)
        gone = connection.execute(
            delete(conversations).where(conversations.c.owner_id == identifier).returning(conversations.c.id)
        )
        return list(gone.scalars())


def _refuse_without_administrator(connection: Connection, changed: User) -> None:
    """Raise (and so undo the transaction) when a change to `changed` leaves no active administrator."""
    if not (changed.is_admin and changed.active):
        return
    left = select(func.count()).select_from(users).where(users.c.is_admin, users.c.active)
    if connection.execute(left).scalar_one() == 0:
        raise LastAdministrator(f"{changed.name!r} is the only administrator; make somebody else one first.")


def _set_groups(connection: Connection, identifier: str, group_names: Iterable[str]) -> None:
    for name in sorted(set(group_names)):
        if connection.execute(select(groups.c.name).where(groups.c.name == name)).first() is None:
            raise UnknownGroup(f"There is no group {name[:90]!r}; make it first, or correct the name.")
        connection.execute(insert(memberships), {"user_id": identifier, "group_name": name})


def _load(connection: Connection, *conditions: ColumnElement[bool]) -> list[User]:
    rows = connection.execute(select(users).where(*conditions).order_by(users.c.name_key)).all()
    belongs: dict[str, list[str]] = {}
    chosen = select(memberships).order_by(memberships.c.group_name)
    for entry in connection.execute(chosen.where(memberships.c.user_id.in_([row.id for row in rows]))):
        belongs.setdefault(entry.user_id, []).append(entry.group_name)
    return [
        User(row.id, row.name, row.is_admin, row.active, tuple(belongs.get(row.id, ())), row.created_at) for row in rows
    ]
