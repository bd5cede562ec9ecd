"""Assistants in SQL. Every function takes who asks: what they may not use does not exist for them.

Its owner may use an assistant, and so may its readers unless an administrator has withdrawn it. Administrators see
whatever is shared. Its owner changes it; where the owner is gone, administrators do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from assistant.gallery.errors import (
    AssistantNameTaken,
    AssistantUnusable,
    GalleryFull,
    NotYourAssistant,
    TooManyAssistants,
)
from assistant.gallery.setup import Setup
from assistant.people.credentials import LOCAL_ID
from assistant.people.names import clean_name, name_key
from assistant.people.tables import users
from assistant.tables import assistant_readers as readers_table
from assistant.tables import assistants as table
from assistant.types import Caller
from knowledge.collections import valid_readers
from knowledge.database import now, reading
from knowledge.types import PUBLIC

MOST = 2_000
MOST_EACH = 100  # of one owner, so that nobody alone fills the gallery for all
PREFIX = "assistant:"  # of the names under which assistants are models


@dataclass(frozen=True, slots=True)
class Draft:
    """What an owner writes."""

    name: str
    setup: Setup
    readers: frozenset[str] = frozenset()  # principals; empty: its owner alone


@dataclass(frozen=True, slots=True)
class Assistant:
    """An assistant as it is stored."""

    id: str
    name: str
    owner_id: str
    owner: str  # the owner's name; "" when they are gone
    setup: Setup
    withdrawn: bool
    revision: int  # 1 when it was made
    created_at: float  # seconds since the epoch
    updated_at: float
    readers: frozenset[str] = field(default=frozenset())


def listed(engine: Engine, caller: Caller, text: str = "") -> list[Assistant]:
    """Return those that the caller may use, by name; with `text` only those whose name or description holds it."""
    with reading(engine) as connection:
        rows = connection.execute(
            _select().where(_usable(caller)).order_by(table.c.name_key, table.c.created_at, table.c.id)
        ).all()
        who = _readers(connection, [row.id for row in rows])
    found = [_assistant(row, who.get(row.id, frozenset())) for row in rows]
    words = text.casefold().split()
    return [one for one in found if all(word in f"{one.name} {one.setup.description}".casefold() for word in words)]


def find(engine: Engine, caller: Caller, identifier: str) -> Assistant | None:
    """Return one that the caller may use, None when there is none such."""
    with reading(engine) as connection:
        row = connection.execute(_select().where(table.c.id == identifier, _usable(caller))).first()
        return None if row is None else _assistant(row, _readers(connection, [row.id]).get(row.id, frozenset()))


def of_administrator(engine: Engine, identifier: str) -> Assistant | None:
    """Return one whose owner is an active administrator, or the command line; None when it is no such one.

    Widgets ask for it: what they say to the public is an administrator's to decide.
    """
    trusted = or_(table.c.owner_id == LOCAL_ID, and_(users.c.is_admin, users.c.active))
    with reading(engine) as connection:
        row = connection.execute(_select().where(table.c.id == identifier, trusted)).first()
        return None if row is None else _assistant(row, frozenset())


def by_model(engine: Engine, caller: Caller, model: str) -> Assistant | None:
    """Return the assistant that the name of a model means for the caller, None when there is none such."""
    return next((one for name, one in models(engine, caller).items() if name == model), None)


def models(engine: Engine, caller: Caller) -> dict[str, Assistant]:
    """Return the caller's assistants by the names under which they are models.

    Of several with one name the oldest has it and the others their ids, so that nobody takes a name that is in use.
    """
    found: dict[str, Assistant] = {}
    for one in sorted(listed(engine, caller), key=lambda one: (one.created_at, one.id)):
        name = PREFIX + one.name
        found[PREFIX + one.id if name in found else name] = one
    return found


def add(engine: Engine, caller: Caller, draft: Draft) -> Assistant:
    """Store one of the caller's and return it.

    Raises AssistantNameTaken, NameUnusable, AssistantUnusable or InvalidValue for its readers, TooManyAssistants and
    GalleryFull.
    """
    identifier, values, readers = uuid4().hex, _named(draft), _shared(draft)
    try:
        with engine.begin() as connection:
            _refuse_too_many(connection, caller.user_id)
            moment = now(connection)
            own = {"id": identifier, "owner_id": caller.user_id, "withdrawn": False, "revision": 1}
            connection.execute(insert(table).values(**values, **own, created_at=moment, updated_at=moment))
            _write_readers(connection, identifier, readers)
    except IntegrityError as exc:
        raise _taken(draft) from exc
    return _found(find(engine, caller, identifier))


def change(engine: Engine, caller: Caller, identifier: str, draft: Draft) -> Assistant | None:
    """Write one anew and return it; None when the caller may use none such.

    Raises NotYourAssistant, and what `add` raises but TooManyAssistants and GalleryFull.
    """
    before = find(engine, caller, identifier)
    if before is None:
        return None
    _refuse_foreign(caller, before)
    values, readers = _named(draft), _shared(draft)
    if (before.name, before.setup) != (values["name"], draft.setup):  # sharing it differently changes no chat
        values["revision"] = before.revision + 1
    try:
        with engine.begin() as connection:
            written = values | {"updated_at": now(connection)}
            connection.execute(update(table).where(table.c.id == identifier).values(**written))
            connection.execute(delete(readers_table).where(readers_table.c.assistant_id == identifier))
            _write_readers(connection, identifier, readers)
    except IntegrityError as exc:
        raise _taken(draft) from exc
    return find(engine, caller, identifier)


def withdraw(engine: Engine, caller: Caller, identifier: str, withdrawn: bool) -> Assistant | None:
    """Take one out of the gallery, or put it back, for an administrator; None when there is none that is shared."""
    if find(engine, caller, identifier) is None:
        return None
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.id == identifier).values(withdrawn=withdrawn))
    return find(engine, caller, identifier)


def remove(engine: Engine, caller: Caller, identifier: str) -> bool:
    """Delete one; False when the caller may use none such. Raises NotYourAssistant."""
    found = find(engine, caller, identifier)
    if found is None:
        return False
    if not caller.is_admin:
        _refuse_foreign(caller, found)
    with engine.begin() as connection:
        return connection.execute(delete(table).where(table.c.id == identifier)).rowcount > 0


def may_change(caller: Caller, one: Assistant) -> bool:
    """Return whether the caller is its owner, or an administrator where the owner is gone."""
    return one.owner_id == caller.user_id or (caller.is_admin and not one.owner)


def free_name(engine: Engine, caller: Caller, name: str) -> str:
    """Return `name`, with a number behind it when the caller has one of that name already."""
    with reading(engine) as connection:
        taken = set(connection.execute(select(table.c.name_key).where(table.c.owner_id == caller.user_id)).scalars())
    number, made = 1, name
    while name_key(made) in taken:
        number += 1
        made = f"{name[:74]} ({number})"
    return made


def _usable(caller: Caller) -> ColumnElement[bool]:
    shared = readers_table.c.assistant_id == table.c.id
    mine = table.c.owner_id == caller.user_id
    if caller.scope.sees_all:
        return or_(mine, exists().where(shared))
    given = exists().where(shared, readers_table.c.principal.in_(sorted(caller.scope.principals)))
    return or_(mine, and_(table.c.withdrawn.is_(False), given))


def _select() -> Any:
    return select(table, users.c.name.label("owner")).outerjoin(users, users.c.id == table.c.owner_id)


def _named(draft: Draft) -> dict[str, Any]:
    name = clean_name(draft.name, "assistant")
    return {"name": name, "name_key": name_key(name), "setup": draft.setup.model_dump_json()}


def _shared(draft: Draft) -> frozenset[str]:
    if PUBLIC in draft.readers:
        raise AssistantUnusable("Visitors have no gallery: share with 'everyone', and name the assistant in a widget.")
    return valid_readers(draft.readers)


def _taken(draft: Draft) -> AssistantNameTaken:
    return AssistantNameTaken(f"You have an assistant named {draft.name[:80]!r} already; choose another name.")


def _refuse_too_many(connection: Connection, owner_id: str) -> None:
    count = select(func.count()).select_from(table)
    if connection.execute(count.where(table.c.owner_id == owner_id)).scalar_one() >= MOST_EACH:
        raise TooManyAssistants(f"You have {MOST_EACH} assistants, as many as one person may have; delete some first.")
    if connection.execute(count).scalar_one() >= MOST:
        raise GalleryFull(f"There are {MOST:,} assistants, as many as there may be; delete some first.")


def _refuse_foreign(caller: Caller, one: Assistant) -> None:
    if not may_change(caller, one):
        raise NotYourAssistant(f"Only the owner may change {one.name!r}; duplicate it and change the copy.")


def _write_readers(connection: Connection, identifier: str, readers: Iterable[str]) -> None:
    rows = [{"assistant_id": identifier, "principal": principal} for principal in sorted(readers)]
    if rows:
        connection.execute(insert(readers_table), rows)


def _readers(connection: Connection, identifiers: list[str]) -> dict[str, frozenset[str]]:
    statement = select(readers_table).where(readers_table.c.assistant_id.in_(identifiers))
    found: dict[str, set[str]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.assistant_id, set()).add(row.principal)
    return {identifier: frozenset(principals) for identifier, principals in found.items()}


def _assistant(row: Row[Any], readers: frozenset[str]) -> Assistant:
    setup = Setup.model_validate_json(row.setup)
    owner = "the command line" if row.owner_id == LOCAL_ID else row.owner or ""
    return Assistant(
        row.id, row.name, row.owner_id, owner, setup, bool(row.withdrawn), row.revision, row.created_at,
        row.updated_at, readers,
    )  # fmt: skip


def _found(one: Assistant | None) -> Assistant:
    assert one is not None  # its owner may always use it
    return one
