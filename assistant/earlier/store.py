"""A chat's earlier turns in SQL: questions, vectors and the running summary, within one chat of one owner.

Vectors and summaries are derived from turns and go with them. What is somebody else's, or of another chat, does not
exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, insert, select

from assistant.tables import chat_summaries, conversations, turn_vectors, turns
from knowledge.database import reading

_AT_ONCE = 500  # SQLite allows some 32,000 bound values


@dataclass(frozen=True, slots=True)
class Said:
    """One earlier turn of a chat."""

    turn_id: str
    question: str
    answered: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """What a chat's owner stated, up to a turn."""

    sentences: tuple[str, ...] = ()
    upto: str = ""  # id of the last turn that it covers; "" for none


def before(engine: Engine, owner_id: str, conversation_id: str, turn_id: str) -> list[Said]:
    """Return the turns that lead to a turn of the owner's chat, first to last; empty where there is none such."""
    mine = conversations.c.owner_id == owner_id, conversations.c.id == conversation_id
    with reading(engine) as connection:
        if connection.execute(select(conversations.c.id).where(*mine)).first() is None:
            return []
        told = turns.c.answer.is_not(None).label("told")
        wanted = select(turns.c.id, turns.c.parent_id, turns.c.question, turns.c.status, told)
        rows = connection.execute(wanted.where(turns.c.conversation_id == conversation_id)).all()
    found = {row.id: row for row in rows}
    path, at = [], found[turn_id].parent_id if turn_id in found else None
    while at in found:
        row = found[at]
        path.append(Said(row.id, row.question, bool(row.told) and row.status in ("done", "stopped")))
        at = row.parent_id
    return path[::-1]


def answers(engine: Engine, owner_id: str, turn_ids: Sequence[str]) -> dict[str, str]:
    """Return what was answered in turns of the owner, by turn."""
    mine = select(conversations.c.id).where(conversations.c.owner_id == owner_id)
    own = select(turns.c.id, turns.c.answer).where(turns.c.id.in_(turn_ids), turns.c.conversation_id.in_(mine))
    with reading(engine) as connection:
        return {row.id: json.loads(row.answer)["answer"] for row in connection.execute(own) if row.answer}


def vectors(engine: Engine, model: str, turn_ids: Sequence[str]) -> dict[str, bytes]:
    """Return the stored vectors of questions made by `model`, by turn."""
    found: dict[str, bytes] = {}
    with reading(engine) as connection:
        for part in _parts(turn_ids):
            stored = select(turn_vectors).where(turn_vectors.c.turn_id.in_(part), turn_vectors.c.model == model)
            found |= {row.turn_id: row.vector for row in connection.execute(stored)}
    return found


def keep_vectors(engine: Engine, model: str, made: dict[str, bytes]) -> None:
    """Store vectors by turn; turns that are gone meanwhile stay gone."""
    with engine.begin() as connection:
        left = list(connection.execute(select(turns.c.id).where(turns.c.id.in_(list(made)))).scalars())
        connection.execute(delete(turn_vectors).where(turn_vectors.c.turn_id.in_(left)))
        if left:
            rows = [{"turn_id": one, "model": model, "vector": made[one]} for one in left]
            connection.execute(insert(turn_vectors), rows)


def summary(engine: Engine, owner_id: str, conversation_id: str) -> Summary:
    """Return the summary of a chat of the owner; an empty one where there is none."""
    mine = conversations.c.owner_id == owner_id, conversations.c.id == conversation_id
    stored = select(chat_summaries).join(conversations).where(*mine)
    with reading(engine) as connection:
        row = connection.execute(stored).first()
    return Summary() if row is None else Summary(tuple(json.loads(row.sentences)), row.upto)


def summaries(engine: Engine, owner_id: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the id, the title and the summary of the owner's chats that have one, the last used first."""
    mine = conversations.c.owner_id == owner_id
    stored = select(conversations.c.id, conversations.c.title, chat_summaries.c.sentences).join(chat_summaries)
    with reading(engine) as connection:
        latest = conversations.c.updated_at.desc(), conversations.c.id
        rows = connection.execute(stored.where(mine).order_by(*latest)).all()
    return [(row.id, row.title, tuple(json.loads(row.sentences))) for row in rows if row.sentences != "[]"]


def keep_summary(engine: Engine, owner_id: str, conversation_id: str, made: Summary) -> None:
    """Store the summary of a chat in place of the one before it; a chat that is gone meanwhile stays gone."""
    with engine.begin() as connection:
        if not _owned(connection, owner_id, conversation_id):
            return
        connection.execute(delete(chat_summaries).where(chat_summaries.c.conversation_id == conversation_id))
        row = {"conversation_id": conversation_id, "upto": made.upto, "sentences": json.dumps(made.sentences)}
        connection.execute(insert(chat_summaries), row)


def _owned(connection: Connection, owner_id: str, conversation_id: str) -> bool:
    mine = conversations.c.owner_id == owner_id, conversations.c.id == conversation_id
    return connection.execute(select(conversations.c.id).where(*mine).with_for_update()).first() is not None


def _parts(turn_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (turn_ids[start : start + _AT_ONCE] for start in range(0, len(turn_ids), _AT_ONCE))
