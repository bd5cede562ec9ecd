"""The list of a person's conversations: found by text, kept in folders. Every function takes the owner's id.

A folder is a name that conversations carry: it is there while one does, and deleting it deletes no conversation.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, exists, func, or_, select, update

from assistant.conversations import FOLDER_CHARACTERS
from assistant.tables import conversations, shared_chats, turns
from knowledge.database import reading

MAX_KEPT = 1_000  # pinned ones, or ones in folders, that a list shows in addition


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the list of conversations."""

    id: str
    title: str
    pinned: bool
    updated_at: float
    shared: bool  # whether colleagues may open it by link
    folder: str  # "" for none


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with conversations in it."""

    name: str
    n_conversations: int


def page(
    engine: Engine, owner_id: str, text: str | None = None, limit: int = 50, before: float | None = None
) -> list[Summary]:
    """Return the owner's conversations, the last used first, at most `limit` of them.

    `before` continues after the one with that `updated_at`; when it is None, pinned ones and then those in folders
    come first, in addition. `text` is looked for in titles and questions, ignoring case; it is plain text, not a
    pattern.
    """
    mine = [conversations.c.owner_id == owner_id]
    if text:
        said = exists().where(
            turns.c.conversation_id == conversations.c.id, turns.c.question.icontains(text, autoescape=True)
        )
        mine.append(or_(conversations.c.title.icontains(text, autoescape=True), said))
    shared = exists().where(shared_chats.c.conversation_id == conversations.c.id).label("shared")
    latest_first = select(conversations, shared).order_by(conversations.c.updated_at.desc(), conversations.c.id)
    loose = conversations.c.pinned.is_(False)
    rest = latest_first.where(*mine, loose, conversations.c.folder == "").limit(limit)
    kept = latest_first.limit(MAX_KEPT)
    with reading(engine) as connection:
        if before is not None:
            rows = list(connection.execute(rest.where(conversations.c.updated_at < before)))
        else:
            rows = [
                *connection.execute(kept.where(*mine, conversations.c.pinned)),
                *connection.execute(kept.where(*mine, loose, conversations.c.folder != "")),
                *connection.execute(rest),
            ]
    return [Summary(row.id, row.title, row.pinned, row.updated_at, row.shared, row.folder) for row in rows]


def folders(engine: Engine, owner_id: str) -> list[Folder]:
    """Return the owner's folders by name."""
    name = conversations.c.folder
    statement = (
        select(name, func.count().label("n"))
        .where(conversations.c.owner_id == owner_id, name != "")
        .group_by(name)
        .order_by(name)
    )
    with reading(engine) as connection:
        return [Folder(row.folder, row.n) for row in connection.execute(statement)]


def rename_folder(engine: Engine, owner_id: str, name: str, to: str) -> int:
    """Give a folder another name ("" for none) and return how many conversations it held; 0: there is none such.

    Where a folder of that name exists, the two become one.
    """
    inside = conversations.c.owner_id == owner_id, conversations.c.folder == name, conversations.c.folder != ""
    with engine.begin() as connection:
        moved = update(conversations).where(*inside).values(folder=to[:FOLDER_CHARACTERS])
        return connection.execute(moved).rowcount
