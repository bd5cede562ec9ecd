"""Notes of people in SQL, text and vector in one row. Every function takes the scope and sees its person's notes alone.

The person is the `user:` principal of the scope. That an administrator may read everything else (`sees_all`) has no
meaning here: what somebody asked to be remembered is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, and_, delete, func, insert, select, update

from assistant.memory.errors import MemoryFull, NoPerson
from assistant.memory.said import Kind
from assistant.memory.same import takes_place_of
from assistant.tables import conversations, memories, memory_switches, turns
from knowledge.database import now, reading
from knowledge.types import Scope, Vectors

# A rule took the sentence as it was said, but may have taken a passing remark for a lasting fact.
SUGGESTED = 0.6
SUGGESTIONS_KEPT = 20  # per person; older ones make way
_PERSON = "user:"


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person asked to be remembered, or that is suggested to them."""

    id: str
    text: str
    kind: Kind
    status: str  # "kept", "suggested"
    origin: str  # "chat", "page", "import"
    created_at: float  # seconds since the epoch
    updated_at: float
    turn_id: str | None = None  # in which it was said; None when it was not said in a chat
    conversation_id: str | None = None  # of that turn; None when it is gone, or was stored nowhere
    certainty: str = "stated"  # "stated" by the person in so many words; "suggested" by a rule that read a message
    confidence: float = 1.0  # 0..1, the same as a number


@dataclass(frozen=True, slots=True)
class NewNote:
    """A note about to be stored."""

    text: str
    kind: Kind
    status: str
    topic: str  # "" when it replaces none
    origin: str
    turn_id: str | None
    model: str
    vector: bytes  # fp16


def person_of(scope: Scope) -> str | None:
    """Return the id of the one person that a scope stands for; None for visitors, who have no memory."""
    people = [principal.removeprefix(_PERSON) for principal in scope.principals if principal.startswith(_PERSON)]
    return people[0] if len(people) == 1 else None


def notes(engine: Engine, scope: Scope) -> list[Note]:
    """Return the notes and suggestions of the scope's person, newest first."""
    with reading(engine) as connection:
        rows = connection.execute(_sourced(scope).order_by(memories.c.updated_at.desc(), memories.c.id)).all()
    return [_note(row) for row in rows]


def with_vectors(engine: Engine, scope: Scope) -> tuple[list[Note], list[str], list[bytes]]:
    """Return the person's kept notes, with the model and the vector of each."""
    kept = _sourced(scope).where(memories.c.status == "kept").order_by(memories.c.updated_at.desc(), memories.c.id)
    with reading(engine) as connection:
        rows = connection.execute(kept).all()
    return [_note(row) for row in rows], [row.model for row in rows], [row.vector for row in rows]


def add(engine: Engine, scope: Scope, new: NewNote, limit: int) -> tuple[Note, tuple[str, ...]]:
    """Store a note and return it, with the texts of the notes whose place it took; see same.py.

    Raises MemoryFull at `limit` kept notes of the person, NoPerson for a scope without one.
    """
    person = _required(scope)
    with erasing(engine) as connection:
        before = connection.execute(select(memories.c.id, memories.c.text, memories.c.status).where(_mine(scope))).all()
        gone = [row for row in before if takes_place_of(new.text, row.text)]
        connection.execute(delete(memories).where(_mine(scope), memories.c.id.in_([row.id for row in gone])))
        kept = select(func.count()).select_from(memories).where(_mine(scope), memories.c.status == "kept")
        if connection.execute(kept).scalar_one() >= limit:
            raise MemoryFull(f"You have {limit} notes, as many as there may be; delete some first.")
        return _inserted(connection, scope, person, new), tuple(row.text for row in gone if row.status == "kept")


def suggest(engine: Engine, scope: Scope, new: NewNote) -> bool:
    """Store a suggestion; False when the person has such a note already. Old suggestions make way, notes never."""
    person = _required(scope)
    with erasing(engine) as connection:
        if connection.execute(select(memories.c.id).where(_mine(scope), _same_text(new.text))).first() is not None:
            return False
        _make_way(connection, scope)
        _inserted(connection, scope, person, new)
    return True


def change(engine: Engine, scope: Scope, identifier: str, values: dict[str, Any]) -> Note | None:
    """Change a note of the scope's person and return it; None when they have none such."""
    mine = _mine(scope), memories.c.id == identifier
    with erasing(engine) as connection:
        connection.execute(update(memories).where(*mine).values(**values, updated_at=now(connection)))
        row = connection.execute(_sourced(scope).where(memories.c.id == identifier)).first()
    return None if row is None else _note(row)


def embed_again(engine: Engine, scope: Scope, model: str, vectors: dict[str, bytes]) -> None:
    """Store vectors by note id, made by another model than before; notes that are gone meanwhile stay gone."""
    with engine.begin() as connection:
        for identifier, vector in vectors.items():
            mine = _mine(scope), memories.c.id == identifier
            connection.execute(update(memories).where(*mine).values(model=model, vector=vector))


def remove(engine: Engine, scope: Scope, identifier: str) -> bool:
    """Delete a note of the scope's person with its vector; False when they have none such."""
    with erasing(engine) as connection:
        gone = connection.execute(delete(memories).where(_mine(scope), memories.c.id == identifier))
        return gone.rowcount > 0


def remove_all(engine: Engine, scope: Scope) -> int:
    """Delete everything that is remembered of the scope's person; returns how many notes that were."""
    with erasing(engine) as connection:
        return connection.execute(delete(memories).where(_mine(scope))).rowcount


def forget_person(connection: Connection, person: str) -> None:
    """Delete what is stored about a person who leaves, within the caller's transaction."""
    _overwrite(connection)
    connection.execute(delete(memories).where(memories.c.owner_id == person))
    connection.execute(delete(memory_switches).where(memory_switches.c.owner_id == person))


def is_on(engine: Engine, scope: Scope) -> bool:
    """Return whether the scope's person wants to be remembered; False for a scope without a person."""
    person = person_of(scope)
    if person is None:
        return False
    with reading(engine) as connection:
        found = connection.execute(select(memory_switches.c.is_on).where(memory_switches.c.owner_id == person)).first()
    return found is None or bool(found.is_on)


def switch(engine: Engine, scope: Scope, on: bool) -> None:
    """Switch memory on or off for the scope's person; the notes stay until they are deleted."""
    person = _required(scope)
    with engine.begin() as connection:
        connection.execute(delete(memory_switches).where(memory_switches.c.owner_id == person))
        connection.execute(insert(memory_switches), {"owner_id": person, "is_on": on})


@contextmanager
def erasing(engine: Engine) -> Iterator[Connection]:
    """Yield a transaction in which SQLite overwrites what is deleted, instead of only marking its space as free."""
    with engine.begin() as connection:
        _overwrite(connection)
        yield connection


def packed(vectors: Vectors) -> list[bytes]:
    """Return each row as it is stored: fp16, which changes a similarity by less than 0.001."""
    return [row.astype(np.float16).tobytes() for row in vectors]


def unpacked(blobs: Iterable[bytes], dimension: int) -> Vectors:
    """Return stored vectors as rows, shape (n, dimension), float32."""
    rows = [np.frombuffer(blob, np.float16).astype(np.float32) for blob in blobs]
    return np.stack(rows) if rows else np.zeros((0, dimension), np.float32)


def _overwrite(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def _same_text(text: str) -> ColumnElement[bool]:
    return func.lower(memories.c.text) == text.lower()


def _sourced(scope: Scope) -> Select[Any]:
    """Return the query for the person's notes with the chat of theirs in which each was said, where it still exists."""
    chat = conversations.c.id == turns.c.conversation_id, conversations.c.owner_id == memories.c.owner_id
    said = memories.outerjoin(turns, turns.c.id == memories.c.turn_id).outerjoin(conversations, and_(*chat))
    return select(memories, conversations.c.id.label("conversation_id")).select_from(said).where(_mine(scope))


def _inserted(connection: Connection, scope: Scope, person: str, new: NewNote) -> Note:
    moment, identifier = now(connection), uuid4().hex
    row = {"id": identifier, "owner_id": person, "created_at": moment, "updated_at": moment}
    connection.execute(insert(memories), {**row, **asdict(new)})
    return _note(connection.execute(_sourced(scope).where(memories.c.id == identifier)).one())


def _make_way(connection: Connection, scope: Scope) -> None:
    suggested = select(memories.c.id).where(_mine(scope), memories.c.status == "suggested")
    newest_first = suggested.order_by(memories.c.created_at.desc(), memories.c.id)
    old = list(connection.execute(newest_first).scalars())[SUGGESTIONS_KEPT - 1 :]
    connection.execute(delete(memories).where(memories.c.id.in_(old)))


def _mine(scope: Scope) -> ColumnElement[bool]:
    # A scope without a person has the impossible owner "": it owns nothing and finds nothing.
    return memories.c.owner_id == (person_of(scope) or "")


def _required(scope: Scope) -> str:
    person = person_of(scope)
    if person is None:
        raise NoPerson("Only a signed-in person has a memory; sign in first.")
    return person


def _note(row: Row[Any]) -> Note:
    sure = row.status == "kept"
    return Note(
        row.id, row.text, row.kind, row.status, row.origin, row.created_at, row.updated_at,
        turn_id=row.turn_id,
        conversation_id=row.conversation_id,
        certainty="stated" if sure else "suggested",
        confidence=1.0 if sure else SUGGESTED,
    )  # fmt: skip
