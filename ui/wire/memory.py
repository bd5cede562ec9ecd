"""What is remembered of a person."""

from __future__ import annotations

from ui.wire.base import Epoch, Wire


class Note(Wire):
    """A note, or a suggestion of one."""

    id: str
    text: str
    kind: str = "fact"  # "fact" or "preference"
    origin: str = ""  # "chat", "page", "import"
    updated_at: Epoch | None = None
    created_at: Epoch | None = None
    conversation_id: str | None = (
        None  # the chat in which it was said; None when it is gone, or it was written elsewhere
    )
    certainty: str = "stated"  # "stated" or "suggested"
    confidence: float = 1.0  # 0..1


class LongChat(Wire):
    """A chat of the person's that is so long that a summary of it is kept."""

    conversation: str
    title: str = ""
    summary: tuple[str, ...] = ()


class GroupNote(Wire):
    """Something that a group remembers."""

    id: str
    text: str
    mine: bool = False
    updated_at: Epoch | None = None


class GroupMemory(Wire):
    """What one group of the person remembers."""

    name: str
    notes: tuple[GroupNote, ...] = ()


class Memory(Wire):
    """Everything that is remembered of the person who is signed in."""

    on: bool = True
    available: bool = True  # False: this installation remembers nobody
    notes: tuple[Note, ...] = ()
    suggestions: tuple[Note, ...] = ()
    chats: tuple[LongChat, ...] = ()
