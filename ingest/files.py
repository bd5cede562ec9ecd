"""The uploaded bytes, one file per content, under names that we make: no uploader's file name touches the disk."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ingest.errors import DocumentRefused, StorageFull

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HALF_WRITTEN = "incoming-"
Write = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is safely on disk."""

    sha256: str  # hex
    size: int  # bytes


class FileStore:
    """A folder of files named by their SHA-256: root/aa/aabbcc..."""

    def __init__(self, root: Path, reserve_bytes: int = 0) -> None:
        """Use `root`, made when missing; refuse new files when less than `reserve_bytes` of the disk are free."""
        self.root = root
        self._reserve = reserve_bytes
        root.mkdir(parents=True, exist_ok=True)

    def put_stream(self, pieces: Iterable[bytes], max_bytes: int) -> StoredFile:
        """Return the stored file; when this returns, the bytes survive a power failure.

        The pieces go to disk one by one, so memory stays flat. Storing the same content twice keeps one file.

        Raises DocumentRefused (too_large) at the first byte over `max_bytes`, StorageFull when the disk has no room;
        nothing is left behind then.
        """

        def fill(write: Write) -> None:
            for piece in pieces:
                write(piece)

        return self.put(fill, max_bytes)

    def put(self, fill: Callable[[Write], object], max_bytes: int) -> StoredFile:
        """Call `fill` with a function that takes the bytes, and return the stored file; like `put_stream` otherwise."""
        self._check_room()
        descriptor, name = tempfile.mkstemp(prefix=_HALF_WRITTEN, dir=self.root)
        try:
            with os.fdopen(descriptor, "wb") as file:
                counted = _Counted(file, max_bytes)
                fill(counted.write)
                file.flush()
                os.fsync(file.fileno())
            stored = StoredFile(counted.digest.hexdigest(), counted.size)
            self._publish(Path(name), stored.sha256)
            return stored
        except OSError as exc:
            raise StorageFull(f"The file could not be stored ({exc.strerror}); free some disk space.") from exc
        finally:
            Path(name).unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where the content is or would be; raises ValueError when `sha256` is not 64 hex digits."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is not a SHA-256 in lower case hex.")
        return self.root / sha256[:2] / sha256

    def open(self, sha256: str) -> BinaryIO:
        """Return the content, opened for reading; raises FileNotFoundError when it is not here."""
        return self.path(sha256).open("rb")

    def sweep(self, keep: set[str], older_than_s: float = 3600.0) -> int:
        """Delete contents that are not in `keep` and half-written files; return how many.

        Young files stay, because their rows may still be on the way into the database.
        """
        limit = time.time() - older_than_s
        stale = [path for path in self._all() if path.name not in keep and _is_older(path, limit)]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _all(self) -> Iterator[Path]:
        yield from self.root.glob(f"{_HALF_WRITTEN}*")
        yield from self.root.glob("[0-9a-f][0-9a-f]/*")

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.root).free
        if free < self._reserve:
            raise StorageFull(
                f"Only {free // 2**20} MiB of the disk are free and {self._reserve // 2**20} MiB are kept in reserve; "
                "free some space, then upload again."
            )

    def _publish(self, written: Path, sha256: str) -> None:
        target = self.path(sha256)
        made = not target.parent.exists()
        target.parent.mkdir(exist_ok=True)
        written.replace(target)
        _sync_folder(target.parent)
        if made:
            _sync_folder(self.root)


class _Counted:
    """Writes to a file, counting and hashing."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._max_bytes:
            most = megabytes(self._max_bytes)
            raise DocumentRefused("too_large", f"The file has more than {most}; upload a smaller one.")
        self.digest.update(piece)
        self._file.write(piece)


def megabytes(size: int) -> str:
    """Return a size for people, e.g. "1.5 MB"."""
    return f"{size / 1_000_000:,.1f} MB" if size >= 100_000 else f"{size} bytes"


def _is_older(path: Path, limit: float) -> bool:
    try:
        return path.stat().st_mtime < limit
    except FileNotFoundError:  # an upload that has just ended lies under its own name now
        return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
