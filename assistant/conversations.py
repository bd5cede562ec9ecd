"""Conversations and their turns. Every function takes the owner's id: what is somebody else's does not exist.

Turns form a tree. Asking appends to the turn that is shown last (`head`); editing or regenerating a turn adds a version
beside it and shows that one. A turn is stored when it is asked and completed when it is answered, so a question is
never lost, and two windows that ask at the same moment get two turns in a row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, Row, bindparam, case, delete, insert, select, update

from assistant.errors import ConversationTooLong
from assistant.orchestration.prompts import Message
from assistant.tables import conversations, feedback, turn_records, turns
from assistant.wire import AnswerJson
from knowledge.database import now, reading

Status = Literal["running", "done", "stopped", "failed"]

MAX_TURNS = 2_000  # of one conversation, all versions; each request reads their ids
HISTORY_TURNS = 50  # what a question is told of; models read less
TITLE_CHARACTERS = 200
FOLDER_CHARACTERS = 60
_AUTO_TITLE_CHARACTERS = 60
# A turn without an end after so long was cut off by a crash; nobody works on it any more.
_LOST_AFTER_S = 900.0


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A question with its answer, as it is shown again later."""

    id: str
    question: str
    status: Status
    answer: AnswerJson | None  # None while running, or when it failed before anything was said
    created_at: float
    versions: tuple[str, ...]  # ids of the turns that replaced each other here, oldest first, this one included
    rating: str | None = None
    reason: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation along the versions that are shown now."""

    id: str
    title: str
    pinned: bool
    updated_at: float
    memory: bool = True  # False: nothing is recalled or remembered in it
    folder: str = ""  # "" for none
    turns: list[StoredTurn] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was stored, with what was said before it."""

    turn_id: str
    history: tuple[Message, ...]


def create(engine: Engine, owner_id: str, title: str = "", memory: bool = True) -> str:
    """Return the id of a new, empty conversation; without `memory` nothing is recalled or remembered in it."""
    identifier = uuid4().hex
    with engine.begin() as connection:
        moment = now(connection)
        row = {"id": identifier, "owner_id": owner_id, "title": title[:TITLE_CHARACTERS], "pinned": False, "head": None}
        connection.execute(insert(conversations), {**row, "memory": memory, "created_at": moment, "updated_at": moment})
    return identifier


def owned(engine: Engine, owner_id: str, identifier: str) -> bool:
    """Return whether the owner has that conversation."""
    with reading(engine) as connection:
        return connection.execute(select(conversations.c.id).where(*_mine(owner_id, identifier))).first() is not None


def remembers(engine: Engine, owner_id: str, identifier: str) -> bool:
    """Return whether the owner has that conversation and memory is on in it."""
    with reading(engine) as connection:
        found = connection.execute(select(conversations.c.memory).where(*_mine(owner_id, identifier))).first()
    return found is not None and bool(found.memory)


def read(engine: Engine, owner_id: str, identifier: str) -> Conversation | None:
    """Return the conversation with the turns that are shown now, first to last; None if the owner has none such."""
    with reading(engine) as connection:
        row = connection.execute(select(conversations).where(*_mine(owner_id, identifier))).first()
        if row is None:
            return None
        parents = _parents(connection, identifier)
        path = _path(parents, row.head)
        found = _turns(connection, path)
        moment = now(connection)
    siblings: dict[str | None, list[str]] = {}
    for turn_id, parent in parents.items():
        siblings.setdefault(parent, []).append(turn_id)
    shown = [_stored(found[turn_id], tuple(siblings[parents[turn_id]]), moment) for turn_id in path]
    return Conversation(row.id, row.title, row.pinned, row.updated_at, row.memory, row.folder, shown)


def change(
    engine: Engine,
    owner_id: str,
    identifier: str,
    title: str | None = None,
    pinned: bool | None = None,
    show_turn: str | None = None,
    memory: bool | None = None,
    folder: str | None = None,
) -> bool:
    """Change what is not None; False if the owner has no such conversation, or it has no turn `show_turn`.

    `folder` "" takes it out of its folder; `show_turn` shows that version of a turn, with what followed it last.
    """
    values: dict[str, object] = {}
    if title is not None:
        values["title"] = title[:TITLE_CHARACTERS]
    if pinned is not None:
        values["pinned"] = pinned
    if memory is not None:
        values["memory"] = memory
    if folder is not None:
        values["folder"] = folder[:FOLDER_CHARACTERS]
    with engine.begin() as connection:
        if connection.execute(select(conversations.c.id).where(*_mine(owner_id, identifier))).first() is None:
            return False
        if show_turn is not None:
            parents = _parents(connection, identifier)
            if show_turn not in parents:
                return False
            values["head"] = _last_below(parents, show_turn)
        if values:
            connection.execute(update(conversations).where(*_mine(owner_id, identifier)).values(**values))
    return True


def remove(engine: Engine, owner_id: str, identifier: str) -> bool:
    """Delete the conversation with its turns, ratings and records; False if the owner has none such."""
    with engine.begin() as connection:
        if not connection.execute(delete(conversations).where(*_mine(owner_id, identifier))).rowcount:
            return False
        connection.execute(delete(turn_records).where(turn_records.c.conversation_id == identifier))
        return True


def ask(engine: Engine, owner_id: str, identifier: str, question: str, replaces: str | None = None) -> Asked | None:
    """Store a question and return it with the history before it; None if the owner has no such conversation.

    `replaces` is the turn of this conversation that the question takes the place of (None too if there is none such).
    Raises ConversationTooLong at 2,000 turns.
    """
    identifier_of_turn = uuid4().hex
    with engine.begin() as connection:
        locked = select(conversations).where(*_mine(owner_id, identifier)).with_for_update()
        row = connection.execute(locked).first()
        if row is None:
            return None
        parents = _parents(connection, identifier)
        if replaces is not None and replaces not in parents:
            return None
        if len(parents) >= MAX_TURNS:
            raise ConversationTooLong(f"This conversation has {MAX_TURNS} turns, its limit; begin a new one.")
        parent = row.head if replaces is None else parents[replaces]
        moment = now(connection)
        values = {"id": identifier_of_turn, "conversation_id": identifier, "parent_id": parent, "n": len(parents) + 1}
        said = {"question": question, "status": "running", "answer": None, "created_at": moment}
        connection.execute(insert(turns), {**values, **said})
        shown = {"head": identifier_of_turn, "updated_at": moment, "title": row.title or auto_title(question)}
        connection.execute(update(conversations).where(conversations.c.id == identifier).values(**shown))
    path = _path(parents, parent)[-HISTORY_TURNS:]
    with reading(engine) as connection:  # after the commit: texts are read without holding up other writers
        found = _turns(connection, path)
    return Asked(identifier_of_turn, _history([found[turn_id] for turn_id in path if turn_id in found]))


def finish(engine: Engine, turn_id: str, status: Status, answer: AnswerJson | None) -> bool:
    """Complete a turn that is running, once; False when it is gone (deleted meanwhile) or complete already."""
    text = None if answer is None else json.dumps(answer, ensure_ascii=True)
    with engine.begin() as connection:
        running = turns.c.id == turn_id, turns.c.status == "running"
        values = {"status": status, "answer": text, "finished_at": now(connection)}
        return connection.execute(update(turns).where(*running).values(**values)).rowcount > 0


def keep(engine: Engine, said: Mapping[str, AnswerJson]) -> None:
    """Store what turns that run have said so far, by their ids, for the case that this process dies in the middle.

    It is shown only after that (see `give_up_running`); a turn that has ended meanwhile keeps its answer.
    """
    running = turns.c.id == bindparam("turn"), turns.c.status == "running"
    rows = [{"turn": turn_id, "text": json.dumps(answer, ensure_ascii=True)} for turn_id, answer in said.items()]
    with engine.begin() as connection:
        connection.execute(update(turns).where(*running).values(answer=bindparam("text")), rows)


def amend(engine: Engine, owner_id: str, turn_id: str, change: Callable[[AnswerJson], AnswerJson]) -> bool:
    """Replace a stored answer by what `change` makes of it, as when a call was approved; False without such a turn."""
    mine = select(conversations.c.id).where(conversations.c.owner_id == owner_id)
    own = turns.c.id == turn_id, turns.c.conversation_id.in_(mine), turns.c.answer.is_not(None)
    with engine.begin() as connection:
        row = connection.execute(select(turns.c.answer).where(*own)).first()
        if row is None:
            return False
        text = json.dumps(change(json.loads(row.answer)), ensure_ascii=True)
        connection.execute(update(turns).where(turns.c.id == turn_id).values(answer=text))
    return True


def give_up_running(engine: Engine) -> int:
    """End every turn that is running; for the only server of a database, before it serves. Returns how many.

    After a crash nobody works on them any more, and their readers should not wait: what was kept of one is its answer,
    one of which nothing was kept has failed.
    """
    ended = case((turns.c.answer.is_(None), "failed"), else_="stopped")
    with engine.begin() as connection:
        running = update(turns).where(turns.c.status == "running")
        return connection.execute(running.values(status=ended, finished_at=now(connection))).rowcount


def auto_title(question: str) -> str:
    """Return a question's first words, at most 60 characters, as a title."""
    words = " ".join(question.split())
    if len(words) <= _AUTO_TITLE_CHARACTERS:
        return words
    return words[:_AUTO_TITLE_CHARACTERS].rsplit(" ", 1)[0] + "…"


def _mine(owner_id: str, identifier: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return conversations.c.owner_id == owner_id, conversations.c.id == identifier


def _parents(connection: Connection, identifier: str) -> dict[str, str | None]:
    """Return the turn before each turn of a conversation, in the order of asking."""
    statement = select(turns.c.id, turns.c.parent_id).where(turns.c.conversation_id == identifier).order_by(turns.c.n)
    return {row.id: row.parent_id for row in connection.execute(statement)}


def _path(parents: dict[str, str | None], head: str | None) -> list[str]:
    path = []
    while head is not None:
        path.append(head)
        head = parents[head]
    return path[::-1]


def _last_below(parents: dict[str, str | None], turn_id: str) -> str:
    """Return the end of the line that goes on from a turn, by the newest version at every fork."""
    newest = {parent: child for child, parent in parents.items()}
    while turn_id in newest:
        turn_id = newest[turn_id]
    return turn_id


def _turns(connection: Connection, path: Sequence[str]) -> dict[str, Row[Any]]:
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(path), 500):  # SQLite allows some 32,000 bound values, PostgreSQL 65,535
        statement = (
            select(turns, feedback.c.rating, feedback.c.reason, feedback.c.comment)
            .outerjoin(feedback, feedback.c.turn_id == turns.c.id)
            .where(turns.c.id.in_(path[start : start + 500]))
        )
        found |= {row.id: row for row in connection.execute(statement)}
    return found


def _stored(row: Row[Any], versions: tuple[str, ...], moment: float) -> StoredTurn:
    lost = row.status == "running" and row.created_at < moment - _LOST_AFTER_S
    return StoredTurn(
        id=row.id,
        question=row.question,
        status=("stopped" if row.answer else "failed") if lost else row.status,
        answer=json.loads(row.answer) if row.answer and (lost or row.status != "running") else None,
        created_at=row.created_at,
        versions=versions,
        rating=row.rating,
        reason=row.reason,
        comment=row.comment,
    )


def _history(rows: Sequence[Row[Any]]) -> tuple[Message, ...]:
    """Return what was said, leaving out questions that got no answer."""
    said = []
    for row in rows:
        if row.answer and row.status in ("done", "stopped"):
            said += [Message("user", row.question), Message("assistant", json.loads(row.answer)["answer"])]
    return tuple(said)
