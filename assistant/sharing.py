"""Sharing a chat by link: a snapshot for colleagues who sign in, each of whom sees only the sources they may read.

What is shared is what was said when the link was made; going on in the chat adds nothing to it. Rights are looked up
anew each time somebody opens the link. An answer that rests on a source which a reader may not open is not shown to
them: what a model says of a document is that document in other words.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, delete, insert, or_, select

from assistant import conversations
from assistant.errors import ConversationTooLong
from assistant.people.tables import users
from assistant.tables import conversations as table
from assistant.tables import shared_chats
from knowledge.access import may_read
from knowledge.database import now, reading
from knowledge.types import Scope

MAX_SHARED_TURNS = 200  # a page that somebody reads; a snapshot of so many answers is some hundred KB
WITHHELD = "This answer rests on sources that you may not open."
# What a snapshot keeps of an answer. Steps, names of collections, skills' calls and suggestions may tell what a reader
# may not know, and stay with the owner.
_KEPT = ("answer", "citations", "abstained", "grounded", "degraded", "stopped_by")
_HIDDEN = {
    "document": "", "title": "", "page": None, "chunk": "", "quote": "", "heading": "", "path": "", "collection": "",
    "anchor": "", "readable": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a snapshot."""

    id: str  # 24 random bytes, as they stand in the link
    created_at: float
    turns: int


@dataclass(frozen=True, slots=True)
class SharedTurn:
    """A question and its answer, as one reader may see them."""

    question: str
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shared:
    """A snapshot as one reader may see it."""

    title: str
    by: str  # the name of who shared it; "" for the command line
    created_at: float
    turns: tuple[SharedTurn, ...]


def share(engine: Engine, owner_id: str, conversation_id: str) -> Link | None:
    """Make the link of a conversation, in place of an earlier one; None if the owner has no such conversation.

    Raises ConversationTooLong beyond 200 answered turns.
    """
    found = conversations.read(engine, owner_id, conversation_id)
    if found is None:
        return None
    turns = [
        {"question": turn.question, **{key: value for key, value in turn.answer.items() if key in _KEPT}}
        for turn in found.turns
        if turn.answer is not None
    ]
    if len(turns) > MAX_SHARED_TURNS:
        raise ConversationTooLong(f"This chat has {len(turns)} answers; at most {MAX_SHARED_TURNS} can be shared.")
    values = {
        "id": secrets.token_urlsafe(24), "conversation_id": conversation_id, "title": found.title,
        "turns": json.dumps(turns, ensure_ascii=True),
    }  # fmt: skip
    with engine.begin() as connection:
        if connection.execute(select(table.c.id).where(*_mine(owner_id, conversation_id))).first() is None:
            return None  # deleted since it was read
        connection.execute(delete(shared_chats).where(shared_chats.c.conversation_id == conversation_id))
        moment = now(connection)
        connection.execute(insert(shared_chats), {**values, "created_at": moment})
    return Link(values["id"], moment, len(turns))


def link(engine: Engine, owner_id: str, conversation_id: str) -> Link | None:
    """Return the link of the owner's conversation; None when there is none."""
    mine = select(shared_chats).join(table).where(*_mine(owner_id, conversation_id))
    with reading(engine) as connection:
        row = connection.execute(mine).first()
    return None if row is None else Link(row.id, row.created_at, len(json.loads(row.turns)))


def revoke(engine: Engine, owner_id: str, conversation_id: str) -> bool:
    """Delete the link of the owner's conversation with its snapshot, at once; False when there is none."""
    mine = select(table.c.id).where(*_mine(owner_id, conversation_id))
    with engine.begin() as connection:
        gone = delete(shared_chats).where(shared_chats.c.conversation_id.in_(mine))
        return connection.execute(gone).rowcount > 0


def opened(engine: Engine, scope: Scope, link_id: str) -> Shared | None:
    """Return what `scope` may see of a snapshot; None when there is no such link, or its owner is suspended."""
    statement = (
        select(shared_chats, users.c.name)
        .join(table)
        .outerjoin(users, users.c.id == table.c.owner_id)
        .where(shared_chats.c.id == link_id, or_(users.c.active, users.c.id.is_(None)))
    )
    with reading(engine) as connection:
        row = connection.execute(statement).first()
    if row is None:
        return None
    turns = json.loads(row.turns)
    readable = may_read(engine, scope, {cited["document"] for turn in turns for cited in turn["citations"]})
    shown = tuple(_seen(turn, readable) for turn in turns)
    return Shared(row.title, row.name or "", row.created_at, shown)


def _seen(turn: dict[str, Any], readable: set[str]) -> SharedTurn:
    """Return a turn without what lies in documents other than `readable`."""
    answer = {key: turn[key] for key in _KEPT}
    answer["citations"] = citations = [_cited(cited, readable) for cited in turn["citations"]]
    if not all(cited["readable"] for cited in citations):
        answer["answer"] = WITHHELD
    return SharedTurn(turn["question"], answer)


def _cited(cited: dict[str, Any], readable: set[str]) -> dict[str, Any]:
    return {**cited, "readable": True} if cited["document"] in readable else {"n": cited["n"], **_HIDDEN}


def _mine(owner_id: str, conversation_id: str) -> Sequence[ColumnElement[bool]]:
    return table.c.owner_id == owner_id, table.c.id == conversation_id
