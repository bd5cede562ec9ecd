"""The assistant that a conversation was begun with: kept with it, and what became of the assistant since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine, select, update

from assistant.gallery import store
from assistant.gallery.store import Assistant
from assistant.tables import conversations
from assistant.types import Caller
from knowledge.database import reading

TOLD = -1  # in place of a revision: the person was told that the assistant is gone


@dataclass(frozen=True, slots=True)
class Companion:
    """A conversation's assistant, as its owner may use it now."""

    id: str
    name: str  # as it was called when last asked
    state: Literal["ready", "changed", "gone"]
    assistant: Assistant | None  # None when it is gone
    told: bool = False  # whether an answer has told that it is gone

    @property
    def notice(self) -> str | None:
        """Return the sentence that tells what became of it, None when nothing did."""
        if self.state == "gone":
            return (
                f"The assistant {self.name!r} was deleted or is no longer shared with you; "
                "this chat goes on with the usual settings."
            )
        if self.state == "changed":
            return f"The assistant {self.name!r} was changed since you last asked; this chat goes on with its new form."
        return None


def keep(engine: Engine, conversation_id: str, assistant: Assistant) -> None:
    """Note that a conversation goes on with `assistant` as it is now."""
    values = {
        "assistant_id": assistant.id,
        "assistant_name": assistant.name,
        "assistant_revision": assistant.revision,
    }
    with engine.begin() as connection:
        connection.execute(update(conversations).where(conversations.c.id == conversation_id).values(**values))


def of(engine: Engine, caller: Caller, conversation_id: str) -> Companion | None:
    """Return the assistant of the caller's conversation; None when it has none, or is not the caller's."""
    mine = conversations.c.owner_id == caller.user_id, conversations.c.id == conversation_id
    with reading(engine) as connection:
        row = connection.execute(select(conversations).where(*mine)).first()
    if row is None or not row.assistant_id:
        return None
    found = store.find(engine, caller, row.assistant_id)
    if found is None:
        return Companion(row.assistant_id, row.assistant_name, "gone", None, row.assistant_revision == TOLD)
    state: Literal["ready", "changed"] = "ready" if found.revision == row.assistant_revision else "changed"
    return Companion(row.assistant_id, row.assistant_name, state, found)


def settle(engine: Engine, conversation_id: str, companion: Companion) -> None:
    """Note that an answer tells what became of the assistant, so that the next one does not."""
    if companion.assistant is not None:
        keep(engine, conversation_id, companion.assistant)
        return
    with engine.begin() as connection:
        connection.execute(
            update(conversations).where(conversations.c.id == conversation_id).values(assistant_revision=TOLD)
        )
