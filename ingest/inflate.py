"""Archives, unpacked with suspicion: every byte is counted while it comes out, and nothing is trusted that is stated.

Office files and books are archives too, so the same check runs before their libraries open them.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from ingest.errors import DocumentRefused
from ingest.settings import MIB, Limits

_PIECE = 256 * 1024
_HARMLESS_BYTES = MIB  # below this any ratio is fine: small regular files pack extremely well
_DIRECTORY_BYTES_PER_ENTRY = 256  # more than entries need, so that a directory of millions is seen before it is read
_END_RECORD = 22
_PROLOGUE = 4096  # bytes in which an XML file may declare a document type


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive."""

    name: str  # relative, with "/" between folders; checked to stay inside
    info: zipfile.ZipInfo


class Meter:
    """Counts what came out of one archive, across its members and the archives inside it."""

    def __init__(self, limits: Limits, packed_bytes: int) -> None:
        """Start at zero for an archive of `packed_bytes`."""
        self._limits = limits
        self._packed = max(1, packed_bytes)
        self.inflated = 0  # bytes
        self.entries = 0

    def count(self, n_bytes: int) -> None:
        """Add unpacked bytes; raises DocumentRefused (bomb) over the size or the ratio that is allowed."""
        self.inflated += n_bytes
        if self.inflated > self._limits.inflated_bytes:
            raise DocumentRefused(
                "bomb", f"The file unpacks to more than {self._limits.inflated_bytes // MIB} MiB; upload it in parts."
            )
        if self.inflated > max(_HARMLESS_BYTES, self._packed * self._limits.inflation_ratio):
            raise DocumentRefused(
                "bomb",
                f"The file unpacks to more than {self._limits.inflation_ratio} times its size, like a bomb does.",
            )

    def enter(self, n_entries: int) -> None:
        """Add entries; raises DocumentRefused (bomb) over the number that is allowed."""
        self.entries += n_entries
        if self.entries > self._limits.archive_entries:
            raise DocumentRefused(
                "bomb", f"The archive has more than {self._limits.archive_entries} entries; upload it in parts."
            )


@contextmanager
def opened(file: BinaryIO, meter: Meter, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Yield the archive in `file`; damage met anywhere inside the block becomes DocumentRefused (damaged)."""
    try:
        check_directory(file, limits.archive_entries)
        with zipfile.ZipFile(file) as archive:
            meter.enter(len(archive.infolist()))
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as exc:
        raise DocumentRefused("damaged", f"The file is cut off or damaged ({exc}); upload it again.") from exc


def check_directory(file: BinaryIO, max_entries: int) -> None:
    """Look at the end record of an archive before its directory is read into memory.

    Raises DocumentRefused (bomb) when the directory is larger than `max_entries` need, zipfile.BadZipFile without one.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + _END_RECORD:
        raise zipfile.BadZipFile("its end is missing")
    if tail[max(0, place - 20) : place].startswith(b"PK\x06\x07"):
        raise DocumentRefused("unsupported", "Archives in ZIP64 format are not taken; pack fewer or smaller files.")
    entries = int.from_bytes(tail[place + 10 : place + 12], "little")
    directory = int.from_bytes(tail[place + 12 : place + 16], "little")
    if entries > max_entries or directory > max_entries * _DIRECTORY_BYTES_PER_ENTRY:
        raise DocumentRefused("bomb", f"The archive has more than {max_entries} entries; upload it in parts.")


def members(archive: zipfile.ZipFile) -> list[Member]:
    """Return the files of `archive`, in its order, without folders and without what systems add by themselves.

    Raises DocumentRefused: unsafe for a name that leads outside, a link, a device or a name that comes twice;
    encrypted for a member behind a password.
    """
    found: list[Member] = []
    seen: set[str] = set()
    for info in archive.infolist():
        if info.is_dir():
            continue
        name = _safe_name(info)
        if name in seen:
            raise DocumentRefused("unsafe", f"The archive holds {name!r} twice; pack it again.")
        seen.add(name)
        if info.flag_bits & 1:
            raise DocumentRefused("encrypted", "The archive is protected by a password; remove the password first.")
        found.append(Member(name, info))
    return found


def pieces(archive: zipfile.ZipFile, member: Member, meter: Meter) -> Iterator[bytes]:
    """Yield the content of `member` piece by piece, counted; raises what `opened` translates."""
    with archive.open(member.info) as stream:
        while piece := stream.read(_PIECE):
            meter.count(len(piece))
            yield piece


def check_office(file: BinaryIO, limits: Limits) -> None:
    """Unpack an office file or book once, keeping nothing, before a library opens it; leaves it at its start.

    Raises DocumentRefused: bomb, unsafe, encrypted, damaged, and unsafe for XML that declares a document type, because
    entities are how XML reads other files or grows without bound.
    """
    meter = Meter(limits, file.seek(0, 2))
    with opened(file, meter, limits) as archive:
        for member in members(archive):
            head = b""
            for piece in pieces(archive, member, meter):
                head = head or piece[:_PROLOGUE]
            if member.name.lower().endswith((".xml", ".rels")):
                check_xml(head)
    file.seek(0)


def check_xml(head: bytes) -> None:
    """Look at the start of an XML file; raises DocumentRefused (unsafe) when it declares a document type."""
    plain = head.replace(b"\0", b"").lower()  # UTF-16 and UTF-32 differ from ASCII by zero bytes only
    if b"<!doctype" in plain or b"<!entity" in plain:
        raise DocumentRefused("unsafe", "The file declares XML entities, which are not taken; save it again without.")


def is_clutter(name: str) -> bool:
    """Return whether `name` is what systems put into archives by themselves, not a document of anyone."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini") or parts[-1].startswith("._")


def _safe_name(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise DocumentRefused("unsafe", f"The archive holds a link or device, {info.filename!r}; pack it without.")
    name = info.filename.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or not path.parts:
        raise DocumentRefused("unsafe", f"The archive holds {info.filename!r}, a name that leads outside of it.")
    return str(path)
