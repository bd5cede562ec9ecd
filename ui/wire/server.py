"""How the server is doing."""

from __future__ import annotations

from ui.wire.base import Epoch, Wire


class Tier(Wire):
    """One model endpoint and whether it answers."""

    name: str
    tier: str = ""
    model: str = ""
    adapter: str | None = None
    healthy: bool = False
    detail: str = ""


class Service(Wire):
    """A part of the server that has to be up."""

    name: str
    state: str = ""
    detail: str = ""


class Embedding(Wire):
    """How far the change to the embedding model of the settings has come."""

    model: str = ""
    done: int = 0  # passages that have its vector
    total: int = 0
    live: bool = True  # searches use it


class KnowledgeStatus(Wire):
    """How much is stored, and whether the search indexes are abreast of it."""

    documents: int = 0
    chunks: int = 0
    index_lag: int = 0  # changes that the search index has yet to follow
    last_reconcile: Epoch | None = None
    embedding: Embedding = Embedding()


class QueueStatus(Wire):
    """How many documents wait, are being read, or failed."""

    queued: int = 0
    running: int = 0
    failed: int = 0


class Space(Wire):
    """Bytes of a disk or of memory; `used` may be this program's own share."""

    used: int = 0
    free: int = 0
    total: int = 0


class Kept(Wire):
    """What was answered without a model since the start."""

    on: bool = False
    closeness: float = 0.0  # from which questions in other words count; 0: never
    entries: int = 0
    same: int = 0
    near: int = 0
    pinned: int = 0
    missed: int = 0
    saved_tokens: int = 0


class Status(Wire):
    """How the server is doing."""

    version: str = ""
    tiers: tuple[Tier, ...] = ()
    services: tuple[Service, ...] = ()
    disk: Space = Space()
    memory: Space = Space()
    knowledge: KnowledgeStatus = KnowledgeStatus()
    queue: QueueStatus = QueueStatus()
    kept: Kept = Kept()
