"""Search as a serving process needs it: indexes that follow, and the change to another embedding model."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from knowledge import facts
from knowledge.embed import open_embedder
from knowledge.errors import EmbedderUnavailable
from knowledge.follow import IndexStatus
from knowledge.indexes import Indexes
from knowledge.rerank import OnnxReranker
from knowledge.search import Search
from knowledge.settings import KnowledgeSettings
from knowledge.types import Embedder, Vectors

log = logging.getLogger(__name__)

_POLL_S = 2.0


class AbsentEmbedder:
    """The embedder of a model that is live but cannot be had any more: searches go by words alone."""

    dimension = 1

    def __init__(self, name: str) -> None:
        """Stand for the model `name`."""
        self.name = name

    def embed(self, texts: list[str]) -> Vectors:
        """Raise EmbedderUnavailable."""
        raise EmbedderUnavailable(
            f"The stored vectors are by {self.name!r}, which is not set up any more; new ones are being made, "
            "and until then passages are found by their words only."
        )


class Serving:
    """The search of one process, with all that keeps it going."""

    def __init__(self, engine: Engine, folder: Path, settings: KnowledgeSettings, wanted: Embedder) -> None:
        """Open search over `engine` with indexes below `folder` (DATA/indexes); `start` sets it going.

        `wanted` is the embedder that `settings` name. While stored vectors are by another model, searches use that.
        Raises FolderInUse.
        """
        self._engine = engine
        self._folder = folder
        self._check_every_s = settings.check_every_s
        self._wanted = wanted
        self.embedder = live_embedder(engine, wanted)
        self.indexes = self._indexes_of(self.embedder)
        reranker = None if settings.reranker_path is None else OnnxReranker(settings.reranker_path)
        self.search = Search(
            engine, self.indexes, self.embedder, reranker, settings.max_per_document, settings.rerank_share
        )
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._run, name="embedding-model")

    def start(self) -> None:
        """Follow from now on. Returns at once: until the indexes are ready an exact scan answers."""
        self.indexes.start()
        self._watch.start()

    def stop(self) -> None:
        """Stop following and close the indexes in good order."""
        self._stopping.set()
        if self._watch.is_alive():
            self._watch.join()
        self.indexes.stop()

    def status(self) -> list[IndexStatus]:
        """Return how each index is doing."""
        return self.indexes.status()

    def lag(self) -> int:
        """Return how many changes of the database are not in both indexes yet."""
        return self.indexes.lag()

    def last_reconciled(self) -> float | None:
        """Return when both indexes had been compared with the database, seconds since the epoch; None: not yet."""
        return self.indexes.last_reconciled()

    def switch_if_due(self) -> bool:
        """Search through the wanted model's indexes if that model has become live; True if this call switched."""
        if self.embedder.name == self._wanted.name:
            return False
        if facts.live_embedder(self._engine, self._wanted.name) != self._wanted.name:
            return False
        old, new = self.indexes, self._indexes_of(self._wanted)
        new.start()  # an exact scan answers until they are ready
        self.search.use(new, self._wanted)
        self.indexes, self.embedder = new, self._wanted
        old.stop()
        return True

    def _indexes_of(self, embedder: Embedder) -> Indexes:
        return Indexes(self._engine, self._folder, embedder.name, embedder.dimension, self._check_every_s)

    def _run(self) -> None:
        while not self._stopping.wait(_POLL_S):
            try:
                self.switch_if_due()
            except (SQLAlchemyError, OSError) as exc:
                log.error("cannot look for another embedding model", extra={"reason": str(exc)})


def live_embedder(engine: Engine, wanted: Embedder) -> Embedder:
    """Return the embedder of the model that searches use: `wanted`, or the one whose vectors are stored."""
    name = facts.live_embedder(engine, wanted.name)
    if name == wanted.name:
        return wanted
    built_in = open_embedder(KnowledgeSettings())
    return built_in if built_in.name == name else AbsentEmbedder(name)
