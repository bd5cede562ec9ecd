"""The decision table and the ensembles as their files say, read again when a file changes while the server runs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from assistant.logs import log
from assistant.models import decisions, ensembles
from assistant.models.decisions import Table
from assistant.models.ensembles import Ensemble
from assistant.models.errors import RoutingInvalid
from assistant.models.routing_file import MAX_FILE_BYTES

T = TypeVar("T")
_log = log("models")


class _File(Generic[T]):
    """One file: what it said when it was last in order, and what is wrong with it since."""

    def __init__(self, path: Path, parse: Callable[[Path], T]) -> None:
        """Read it. Raises RoutingInvalid."""
        self._path, self._parse = path, parse
        self._stamp, self._digest = _stamp(path), _digest(path)
        self.holds = parse(path)
        self.problem = ""

    def look(self) -> bool:
        """Read the file if it has changed; return whether something else holds now. A broken one changes nothing."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return False
        self._stamp, digest = stamp, _digest(self._path)
        if digest == self._digest:  # written anew with the same words, or put right again
            self.problem = ""
            return False
        try:
            self.holds = self._parse(self._path)
        except RoutingInvalid as exc:
            self.problem = f"{exc} Until then, what it said before holds."
            _log.error("a file about models was changed and cannot be used", reason=str(exc))
            return False
        self._digest, self.problem = digest, ""
        _log.info("a file about models was read again", file=str(self._path))
        return True


class Declared:
    """Both files, as an administrator left them."""

    def __init__(self, table: Path | None, councils: Path | None, models: Mapping[str, bool]) -> None:
        """Read the files, those that ship in place of None; `models` are those beside which ensembles are asked.

        Raises RoutingInvalid: a server does not start with a file that it cannot read.
        """
        self._models, self._lock = models, threading.Lock()
        declared = councils or ensembles.SHIPPED
        self._table = _File(table or decisions.SHIPPED, decisions.read)
        self._councils = _File(
            declared, lambda path: ensembles.fitting(ensembles.read(path), self._models, path)
        )  # fmt: skip

    @property
    def table(self) -> Table:
        """Return the decision table that holds."""
        return self._table.holds

    @property
    def ensembles(self) -> Sequence[Ensemble]:
        """Return the ensembles that hold."""
        return self._councils.holds

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the files now, one sentence each."""
        return tuple(file.problem for file in (self._table, self._councils) if file.problem)

    def look(self, models: Mapping[str, bool]) -> bool:
        """Read what has changed, beside the `models` of now; return whether anything else holds. Blocking."""
        with self._lock:
            self._models = models
            return any([self._table.look(), self._councils.look()])


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digest(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return ""  # reading it is refused
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
