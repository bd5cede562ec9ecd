"""The collection of documents attached to one conversation: readable by its owner alone, gone with it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Engine, select

from knowledge import collections
from knowledge.database import reading
from knowledge.errors import NameTaken
from knowledge.tables import collections as table
from knowledge.types import Collection, Scope


def attached(engine: Engine, scope: Scope, conversation_id: str) -> Collection | None:
    """Return the conversation's collection, None when nothing was attached or `scope` may not read it."""
    with reading(engine) as connection:
        found = connection.execute(select(table.c.id).where(table.c.private_to == conversation_id)).scalar()
    return None if found is None else collections.get(engine, scope, found)


def collection_for(engine: Engine, scope: Scope, owner_id: str, conversation_id: str) -> Collection:
    """Return the conversation's collection, made when there is none. The caller has checked that it is the owner's."""
    found = attached(engine, scope, conversation_id)
    if found is not None:
        return found
    name = f"Attachments of conversation {conversation_id}"
    try:
        return collections.create(engine, name, "", [f"user:{owner_id}"], private_to=conversation_id)
    except NameTaken:  # two files were attached at the same moment
        made = attached(engine, scope, conversation_id)
        if made is None:
            raise
        return made


def forget(engine: Engine, owner_id: str, conversation_ids: Iterable[str]) -> None:
    """Delete the attachments of the owner's conversations that are gone."""
    gone = sorted(set(conversation_ids))
    with reading(engine) as connection:
        found = connection.execute(select(table.c.id).where(table.c.private_to.in_(gone))).scalars().all()
    for identifier in found:
        collections.delete(engine, Scope(frozenset({f"user:{owner_id}"})), identifier)
