"""One opened index folder, used by many searches at once, closed when it was replaced and the last search has left."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Generic, TypeVar

from knowledge.errors import IndexDamaged
from knowledge.index import Index

IndexT = TypeVar("IndexT", bound=Index)


class Generation(Generic[IndexT]):
    """An index, its folder and the number of its users."""

    def __init__(self, index: IndexT, folder: Path) -> None:
        """Take over `index`, whose files are in `folder`."""
        self.index = index
        self.folder = folder
        self._lock = threading.Condition()
        self._users = 0
        self._retired = False

    def enter(self) -> bool:
        """Count one more user; False if the generation was retired before."""
        with self._lock:
            if not self._retired:
                self._users += 1
            return not self._retired

    def leave(self) -> None:
        """Count one user less."""
        with self._lock:
            self._users -= 1
            self._lock.notify_all()

    def retire(self, remove: bool) -> None:
        """Let nobody in, wait for the users inside, close the index, and remove its files if `remove`."""
        with self._lock:
            self._retired = True
            self._lock.wait_for(lambda: self._users == 0)
        try:
            self.index.close()
        except IndexDamaged:
            # It goes because it is damaged; nothing is lost, SQL has it all.
            remove = True
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
