"""What the stand-in remembers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import uuid4


def new_id() -> str:
    """Return a fresh id."""
    return uuid4().hex


@dataclass
class FakeUser:
    """An account."""

    name: str
    password: str
    is_admin: bool = False
    groups: list[str] = field(default_factory=list)
    active: bool = True
    id: str = field(default_factory=new_id)

    def principals(self) -> set[str]:
        """Return the readers that this person counts as."""
        return {"everyone", "public", f"user:{self.id}", *(f"group:{name}" for name in self.groups)}

    def json(self) -> dict[str, object]:
        """Return the account as the API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "is_admin": self.is_admin,
            "groups": self.groups,
            "active": self.active,
        }


@dataclass
class FakeCollection:
    """A named set of documents; `private_to` is a conversation's id for its attachments."""

    name: str
    description: str = ""
    readers: list[str] = field(default_factory=list)
    private_to: str | None = None
    id: str = field(default_factory=new_id)
    updated_at: float = field(default_factory=time.time)


@dataclass
class FakeChunk:
    """A piece of a document."""

    text: str
    heading: str = ""
    page: int | None = None
    enabled: bool = True
    id: str = field(default_factory=new_id)


@dataclass
class FakeDocument:
    """A document; it becomes ready `reading_s` after it came in, or fails when `reason` is set."""

    collection_id: str
    title: str
    path: str
    content: bytes
    chunks: list[FakeChunk]
    uploaded_by: str = ""
    media_type: str = "text/plain"  # "" of a file that was refused
    reading_s: float = 0.0
    reason: str | None = None
    cancelled: bool = False
    readers: list[str] = field(default_factory=list)
    id: str = field(default_factory=new_id)
    created_at: float = field(default_factory=time.time)
    started_at: float = field(default_factory=time.time)

    @property
    def progress(self) -> float:
        """Return how much has been read, 0..1."""
        return 1.0 if self.reading_s <= 0 else min(1.0, (time.time() - self.started_at) / self.reading_s)

    @property
    def status(self) -> str:
        """Return the status that the API would show now."""
        if self.cancelled:
            return "cancelled"
        if self.progress < 0.1:
            return "queued"
        if self.progress < 1.0:
            return "running"
        return "failed" if self.reason else "ready"

    def json(self) -> dict[str, object]:
        """Return the row as the API shows it."""
        status, running = self.status, self.status == "running"
        stages = ("loading", "cleaning", "chunking", "embedding", "saving")
        resting = "waiting" if status == "queued" else "done" if self.media_type else "refused"
        return {
            "id": self.id,
            "collection_id": self.collection_id,
            "title": self.title,
            "path": self.path,
            "media_type": self.media_type,
            "size": len(self.content),
            "readers": self.readers,
            "status": status,
            "stage": stages[min(4, int(self.progress * 5))] if running else resting,  # time goes on meanwhile
            "progress": round(self.progress, 3),
            "seconds_left": round((1 - self.progress) * self.reading_s, 1) if running else None,
            "reason": self.reason if status == "failed" else None,
            "n_chunks": len(self.chunks) if status == "ready" else 0,
            "uploaded_by": self.uploaded_by,
            "created_at": self.created_at,
        }


@dataclass
class FakeTurn:
    """A question in the tree of a conversation."""

    question: str
    parent: str | None
    answer: dict[str, object] | None = None
    status: str = "running"
    rating: str | None = None
    reason: str | None = None
    comment: str | None = None
    rated_at: float = 0.0
    id: str = field(default_factory=new_id)
    created_at: float = field(default_factory=time.time)
    prompt: str = ""  # that it was asked with by name


@dataclass
class FakeConversation:
    """A tree of turns; the shown line ends at `head`."""

    owner: str
    title: str = ""
    pinned: bool = False
    memory: bool = True
    folder: str = ""
    assistant: str = ""  # id of the one that it was begun with
    manner: dict[str, object] = field(default_factory=dict)
    summary: list[str] = field(default_factory=list)
    head: str | None = None
    turns: dict[str, FakeTurn] = field(default_factory=dict)
    id: str = field(default_factory=new_id)
    updated_at: float = field(default_factory=time.time)

    def siblings(self, turn: FakeTurn) -> list[str]:
        """Return the ids of all versions of a turn, oldest first."""
        return [other.id for other in self.turns.values() if other.parent == turn.parent]

    def line(self) -> list[FakeTurn]:
        """Return the turns that are shown, first to last."""
        path, current = [], self.head
        while current is not None:
            path.append(self.turns[current])
            current = self.turns[current].parent
        return path[::-1]

    def end_of(self, turn_id: str) -> str:
        """Return the end of the line that goes on from a turn, by the newest version at each fork."""
        newest = {turn.parent: turn.id for turn in self.turns.values()}
        while turn_id in newest:
            turn_id = newest[turn_id]
        return turn_id


@dataclass
class FakeSkill:
    """A skill; a call answers `result`, after approval where it writes."""

    name: str
    description: str
    source: str = "builtin:tools"
    effect: str = "read"
    readers: list[str] = field(default_factory=lambda: ["everyone"])
    parameters: dict[str, object] = field(default_factory=dict)
    result: str = "Done."
    enabled: bool = True
    rule: str | None = None

    @property
    def asks(self) -> bool:
        """Return whether a call waits for approval."""
        return self.rule == "ask" or (self.effect == "write" and self.rule is None)

    def json(self, user: FakeUser) -> dict[str, object]:
        """Return the skill as the API shows it to a person."""
        usable = self.enabled and self.rule != "deny" and bool(user.principals() & set(self.readers))
        shown: dict[str, object] = {
            "name": self.name,
            "description": self.description,
            "effect": self.effect,
            "source": self.source,
            "version": "0" * 12,
            "parameters": self.parameters,
            "enabled": self.enabled,
            "rule": self.rule,
            "usable": usable,
            "asks": usable and self.asks,
        }
        return {**shown, "readers": self.readers} if user.is_admin else shown


@dataclass
class FakeApproval:
    """A call that waits for its originator."""

    owner: str
    skill: str
    arguments: dict[str, object]
    conversation: str | None = None
    turn: str | None = None
    state: str = "waiting"
    result: str = ""
    question: str = ""
    id: str = field(default_factory=new_id)
    created_at: float = field(default_factory=time.time)

    def in_answer(self) -> dict[str, object]:
        """Return the call as an answer shows it."""
        return {
            "id": self.id,
            "skill": self.skill,
            "arguments": self.arguments,
            "state": self.state,
            "expires_at": self.created_at + 86_400,
        }

    def json(self) -> dict[str, object]:
        """Return the call as the list of approvals shows it."""
        placed = {"turn_id": self.turn or "", "conversation_id": self.conversation, "created_at": self.created_at}
        return {**self.in_answer(), **placed, "question": self.question, "result": self.result}


@dataclass
class FakeNote:
    """Something that is remembered of a person."""

    owner: str
    text: str
    kind: str = "fact"
    status: str = "kept"
    id: str = field(default_factory=new_id)
    updated_at: float = field(default_factory=time.time)
    conversation_id: str | None = None

    def json(self) -> dict[str, object]:
        """Return the note as the API shows it."""
        shown = ("id", "text", "kind", "status", "updated_at", "conversation_id")
        sure = {"certainty": "stated", "confidence": 1.0} if self.status == "kept" else {"certainty": "suggested"}
        return {"origin": "page", "confidence": 0.6, **sure, **{name: getattr(self, name) for name in shown}}


@dataclass
class FakePrompt:
    """A prompt with its texts by version; 0 is the one that ships."""

    name: str
    texts: list[str]
    live: int | None = 0
    job: str = "answer"
    tiers: tuple[str, ...] = ()
    before: int | None = 0
    ships: bool = True

    def json(self) -> dict[str, object]:
        """Return the prompt as the API lists it."""
        shown = ("name", "job", "live", "tiers", "ships")
        return {"routes": [], "latest": len(self.texts) - 1, **{name: getattr(self, name) for name in shown}}
