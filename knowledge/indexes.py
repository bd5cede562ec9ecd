"""Both indexes of one embedding model, each kept abreast of SQL by a thread of this process."""

from __future__ import annotations

import importlib
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from knowledge.exact import ExactScan
from knowledge.follow import Follower, IndexStatus
from knowledge.keyword import KeywordIndex
from knowledge.seal import Claim

if TYPE_CHECKING:
    from knowledge.store import DenseIndex

log = logging.getLogger(__name__)

_POLL_S = 0.5  # how long a new document waits at most to be taken up; searches find it exactly until then
_CHECK_EVERY_S = 60.0
_RETRY_S = 5.0  # after the disk was full or the database away


class Indexes:
    """The dense and the keyword index of `model`, and the exact scan that stands in for the dense one."""

    def __init__(
        self, engine: Engine, folder: Path, model: str, dimension: int, check_every_s: float = _CHECK_EVERY_S
    ) -> None:
        """Claim a folder for `model` below `folder` (DATA/indexes); `start` or `step` does the rest.

        A second process on the same data folder gets a folder of its own and makes indexes of its own, because one
        index folder must have one owner. Raises FolderInUse when there are too many processes.
        """
        self.model = model
        self._claim = Claim(folder / model)
        home = self._claim.folder
        self.dense = Follower(engine, home / "chroma", "dense", model, _open_dense, check_every_s)
        self.keyword = Follower(engine, home / "keyword", "keyword", model, KeywordIndex, check_every_s)
        self.exact = ExactScan(engine, model, dimension)
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._wake = {"dense": threading.Event(), "keyword": threading.Event()}

    def start(self) -> None:
        """Follow from now on, in threads of their own. Returns at once; `status` tells when the indexes are ready."""
        for name, follower in (("dense", self.dense), ("keyword", self.keyword)):
            thread = threading.Thread(target=self._run, args=(follower, self._wake[name]), name=f"follow-{name}")
            thread.start()
            self._threads.append(thread)

    def step(self) -> None:
        """Do now what is due, in this thread; for programs that search once and end."""
        self.dense.step()
        self.keyword.step()

    def wake(self) -> None:
        """Look for changes now instead of at the next poll."""
        for event in self._wake.values():
            event.set()

    def stop(self) -> None:
        """Stop following and close the indexes in good order. Waits for searches and for a page of a rebuild."""
        self._stopping.set()
        self.dense.stop()
        self.keyword.stop()
        self.wake()
        for thread in self._threads:
            thread.join()
        self.dense.close()
        self.keyword.close()
        self._claim.release()

    def status(self) -> list[IndexStatus]:
        """Return how each index is doing."""
        return [self.dense.status(), self.keyword.status()]

    def lag(self) -> int:
        """Return how many changes of the database are not in both indexes yet."""
        return max(status.behind for status in self.status())

    def last_reconciled(self) -> float | None:
        """Return when both indexes had been compared with the database, seconds since the epoch; None: not yet."""
        times = [status.checked_at for status in self.status()]
        return None if None in times else min(time for time in times if time is not None)

    def _run(self, follower: Follower[Any], wake: threading.Event) -> None:
        while not self._stopping.is_set():
            wait_s = _POLL_S
            try:
                follower.step()
                if follower is self.dense and follower.status().state == "ready":
                    self.exact.release()
            except (SQLAlchemyError, OSError) as exc:
                log.error("an index cannot follow", extra={"kind": follower.status().kind, "reason": str(exc)})
                wait_s = _RETRY_S
            wake.wait(wait_s)
            wake.clear()


def _open_dense(folder: Path) -> DenseIndex:
    """Open Chroma's index in `folder`. Chroma takes a second to import, so that the following thread does it."""
    return importlib.import_module("knowledge.store").DenseIndex(folder)  # type: ignore[no-any-return]  # a module by name
