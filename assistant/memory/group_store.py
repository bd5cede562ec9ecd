"""Notes of groups in SQL, text and vector in one row. Every function takes the scope and sees its groups' notes alone.

The groups are the `group:` principals of the scope: that an administrator may read everything else (`sees_all`) has no
meaning here. Deleting a group deletes its notes with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, insert, select, update

from assistant.memory.errors import MemoryFull, NotAMember
from assistant.memory.same import takes_place_of
from assistant.memory.store import erasing, person_of
from assistant.tables import group_notes
from knowledge.database import now, reading
from knowledge.types import Scope

_GROUP = "group:"


@dataclass(frozen=True, slots=True)
class GroupNote:
    """Something that a member asked to be remembered for their group."""

    id: str
    group: str
    text: str
    mine: bool  # written by the person who looks
    created_at: float  # seconds since the epoch
    updated_at: float


@dataclass(frozen=True, slots=True)
class Embedded:
    """A text with its vector."""

    text: str
    topic: str  # "" when it replaces none
    model: str
    vector: bytes  # fp16


def groups_of(scope: Scope) -> list[str]:
    """Return the names of the groups that a scope's person is in, in order."""
    return sorted(each.removeprefix(_GROUP) for each in scope.principals if each.startswith(_GROUP))


def notes(engine: Engine, scope: Scope) -> list[GroupNote]:
    """Return the notes of the person's groups, by group, the newest first."""
    found = (
        select(group_notes)
        .where(_ours(scope))
        .order_by(group_notes.c.group_name, group_notes.c.updated_at.desc(), group_notes.c.id)
    )
    with reading(engine) as connection:
        return [_note(row, scope) for row in connection.execute(found)]


def with_vectors(engine: Engine, scope: Scope) -> tuple[list[GroupNote], list[str], list[bytes]]:
    """Return the notes of the person's groups, with the model and the vector of each."""
    if not groups_of(scope):
        return [], [], []
    found = select(group_notes).where(_ours(scope)).order_by(group_notes.c.updated_at.desc(), group_notes.c.id)
    with reading(engine) as connection:
        rows = connection.execute(found).all()
    return [_note(row, scope) for row in rows], [row.model for row in rows], [row.vector for row in rows]


def add(engine: Engine, scope: Scope, group: str, new: Embedded, limit: int) -> tuple[GroupNote, bool]:
    """Store a note of `group` and return it, with whether it took the place of others; see same.py.

    Raises NotAMember when the scope's person is not in the group, or nobody, and MemoryFull at `limit` notes.
    """
    person = person_of(scope)
    if person is None or group not in groups_of(scope):
        raise NotAMember(f"There is no group {group[:80]!r} that you are in; ask an administrator to add you.")
    own = group_notes.c.group_name == group
    with erasing(engine) as connection:
        before = connection.execute(select(group_notes.c.id, group_notes.c.text).where(own)).all()
        gone = [row.id for row in before if takes_place_of(new.text, row.text)]
        connection.execute(delete(group_notes).where(own, group_notes.c.id.in_(gone)))
        count = connection.execute(select(func.count()).select_from(group_notes).where(own)).scalar_one()
        if count >= limit:
            raise MemoryFull(f"The group has {limit} notes, as many as there may be; delete some first.")
        moment, identifier = now(connection), uuid4().hex
        row = {"id": identifier, "group_name": group, "author_id": person, "created_at": moment, "updated_at": moment}
        connection.execute(insert(group_notes), {**row, **_columns(new)})
        stored = connection.execute(select(group_notes).where(group_notes.c.id == identifier)).one()
        return _note(stored, scope), bool(gone)


def change(engine: Engine, scope: Scope, group: str, identifier: str, new: Embedded) -> GroupNote | None:
    """Change a note of one of the person's groups and return it; None when there is none such."""
    one = _ours(scope), group_notes.c.group_name == group, group_notes.c.id == identifier
    with erasing(engine) as connection:
        values = {**_columns(new), "updated_at": now(connection)}
        connection.execute(update(group_notes).where(*one).values(**values))
        row = connection.execute(select(group_notes).where(*one)).first()
    return None if row is None else _note(row, scope)


def embed_again(engine: Engine, scope: Scope, model: str, vectors: dict[str, bytes]) -> None:
    """Store vectors by note id, made by another model than before; notes that are gone meanwhile stay gone."""
    with engine.begin() as connection:
        for identifier, vector in vectors.items():
            one = _ours(scope), group_notes.c.id == identifier
            connection.execute(update(group_notes).where(*one).values(model=model, vector=vector))


def remove(engine: Engine, scope: Scope, group: str, identifier: str) -> bool:
    """Delete a note of one of the person's groups with its vector; False when there is none such."""
    one = _ours(scope), group_notes.c.group_name == group, group_notes.c.id == identifier
    with erasing(engine) as connection:
        return connection.execute(delete(group_notes).where(*one)).rowcount > 0


def forget_author(connection: Connection, person: str) -> None:
    """Drop who wrote notes when that person leaves; the notes are their group's."""
    connection.execute(update(group_notes).where(group_notes.c.author_id == person).values(author_id=""))


def _columns(new: Embedded) -> dict[str, str | bytes]:
    return {"text": new.text, "topic": new.topic, "model": new.model, "vector": new.vector}


def _ours(scope: Scope) -> ColumnElement[bool]:
    return group_notes.c.group_name.in_(groups_of(scope))


def _note(row: Row[tuple[object, ...]], scope: Scope) -> GroupNote:
    mine = row.author_id != "" and row.author_id == person_of(scope)
    return GroupNote(row.id, row.group_name, row.text, mine, row.created_at, row.updated_at)
