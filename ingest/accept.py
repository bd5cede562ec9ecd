"""From an upload or a URL to queued documents: what is it, may it be, and then bytes and row are made durable.

When a function here returns, every document that it names survives a power failure, and each refused file has a row
with its reason among the documents of its collection.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from sqlalchemy import Engine, select

import egress
from ingest.errors import DocumentRefused
from ingest.files import FileStore, StoredFile
from ingest.inflate import Meter, is_clutter, members, opened, pieces
from ingest.settings import IngestSettings
from ingest.sniff import media_type_of_name, sniff, suffix_for
from ingest.types import Accepted, Refusal
from knowledge import documents, refused
from knowledge.database import reading
from knowledge.tables import documents as documents_table
from knowledge.types import Document, Scope

Download = Callable[[str, Callable[[bytes], object], int, float, egress.Policy], egress.Received]
_PATH_CHARACTERS = 1_000
_COMPANY_HOSTS = "Hosts inside the company have to be named in ASSISTANT_INGEST__URL_ALLOW."
_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_CONTAINERS = (".zip", ".eml")
_EVERYTHING = Scope(frozenset(), sees_all=True)


@dataclass(frozen=True, slots=True)
class Upload:
    """Where a file comes from and who may read it. That its sender may write there was checked before."""

    collection_id: str
    path: str  # as given; only ever shown, never opened
    readers: tuple[str, ...]  # empty: the collection's
    uploaded_by: str
    room: int | None = None  # how many documents may come of it; None: as many as an archive may hold


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A file on disk that was found to be acceptable."""

    path: str
    stored: StoredFile
    media_type: str


def accept_upload(
    engine: Engine, store: FileStore, settings: IngestSettings, upload: Upload, body: Iterable[bytes]
) -> Accepted:
    """Store the pieces of `body` and queue the documents in it: one, or as many as an archive holds.

    Raises StorageFull, and knowledge.errors.InvalidValue when the collection does not exist.
    """
    try:
        stored = store.put_stream(body, settings.limits.upload_bytes)
    except DocumentRefused as exc:
        return refuse(engine, upload, Refusal(shown_path(upload.path), exc.reason, exc.code))
    return accept_stored(engine, store, settings, upload, stored)


def accept_stored(
    engine: Engine, store: FileStore, settings: IngestSettings, upload: Upload, stored: StoredFile
) -> Accepted:
    """Queue the documents in a file that is already stored; raises like `accept_upload`."""
    path = shown_path(upload.path)
    return _accept(engine, store, settings, upload, path, stored, path)


def accept_url(
    engine: Engine, store: FileStore, settings: IngestSettings, upload: Upload, download: Download = egress.download
) -> Accepted:
    """Fetch the document at the URL `upload.path` and queue it; raises like `accept_upload`."""
    url = upload.path.strip()
    received: list[egress.Received] = []

    def fill(write: Callable[[bytes], None]) -> None:
        policy = egress.Policy.of(settings.url_allow)
        received.append(download(url, write, settings.url_bytes, settings.url_timeout_s, policy))

    try:
        stored = store.put(fill, settings.url_bytes)
    except egress.EgressError as exc:
        inside = isinstance(exc, egress.AddressRefused | egress.Unreachable)
        reason = f"{exc} {_COMPANY_HOSTS}" if inside else str(exc)
        return refuse(engine, upload, Refusal(url[:_PATH_CHARACTERS], reason, "unreachable"))
    return _accept(engine, store, settings, upload, url, stored, _name_at(received[0]))


def refuse(engine: Engine, upload: Upload, *refusals: Refusal) -> Accepted:
    """Keep a row with the reason of each refused file, and return what became of the upload: nothing was taken."""
    told = [(refusal.path, refusal.reason) for refusal in refusals]
    if told:
        refused.note(engine, upload.collection_id, told, upload.readers, upload.uploaded_by)
    return Accepted((), refusals)


def shown_path(path: str) -> str:
    """Return the path that is stored and shown: relative, with "/", of at most 1,000 visible characters.

    It never leads to a file, so nothing depends on this for safety; it keeps names comparable and readable.
    """
    text = unicodedata.normalize("NFC", path.encode("utf-8", "replace").decode()).replace("\\", "/")
    text = "".join(character for character in text if character.isprintable())
    parts = [part.strip() for part in text.split("/")]
    kept = "/".join(part for part in parts if part not in ("", ".", ".."))
    if len(kept) > _PATH_CHARACTERS:  # the end says what it is, the start where it is from
        kept = kept[: _PATH_CHARACTERS // 2 - 1] + "…" + kept[-_PATH_CHARACTERS // 2 :]
    return kept or "unnamed"


def _accept(
    engine: Engine,
    store: FileStore,
    settings: IngestSettings,
    upload: Upload,
    path: str,
    stored: StoredFile,
    name: str,
) -> Accepted:
    """Queue what is in `stored`, shown as `path`; `name` is what its ending is judged by."""
    arrival = _Arrival(store, settings, Meter(settings.limits, stored.size), upload.room)
    try:
        arrival.take(path, stored, name)
    except DocumentRefused as exc:  # the file as a whole: nothing of it is taken
        return refuse(engine, upload, Refusal(path, exc.reason, exc.code))
    taken = tuple(_queue(engine, upload, one) for one in arrival.found)
    return Accepted(taken, refuse(engine, upload, *arrival.refused).refused)


class _Arrival:
    """Looks at a file, and into it when it is an archive, before anything of it is queued."""

    def __init__(self, store: FileStore, settings: IngestSettings, meter: Meter, room: int | None) -> None:
        self._store = store
        self._limits = settings.limits
        self._meter = meter
        self._room = room
        self.found: list[_Arrived] = []
        self.refused: list[Refusal] = []

    def take(self, path: str, stored: StoredFile, name: str) -> None:
        """Add the file, or what is in it; raises DocumentRefused when nothing of it may be taken."""
        depth = sum(part.lower().endswith(_CONTAINERS) for part in path.split("/")[:-1])
        if depth > self._limits.archive_depth:
            raise DocumentRefused("bomb", f"It is nested more than {self._limits.archive_depth} archives deep.")
        with self._store.open(stored.sha256) as file:
            sniffed = sniff(file, name, self._limits.archive_entries)
            if sniffed.is_archive:
                self._unpack(path, file)
            else:
                self._refuse_without_room(1)
                self.found.append(_Arrived(path, stored, sniffed.media_type))

    def _unpack(self, path: str, file: BinaryIO) -> None:
        with opened(file, self._meter, self._limits) as archive:
            kept = [member for member in members(archive) if not is_clutter(member.name)]
            self._refuse_without_room(len(kept))
            for member in kept:
                self._member(shown_path(f"{path}/{member.name}"), pieces(archive, member, self._meter))

    def _refuse_without_room(self, n_files: int) -> None:
        room = n_files if self._room is None else self._room - len(self.found)
        if n_files > room:
            said = f"The archive holds {n_files:,} files and {room:,} more fit" if n_files > 1 else "No more files fit"
            raise DocumentRefused("too_many", f"{said} here; send only those that matter.")

    def _member(self, path: str, content: Iterable[bytes]) -> None:
        try:
            self.take(path, self._store.put_stream(content, self._limits.inflated_bytes), path)
        except DocumentRefused as exc:
            if exc.code == "bomb":
                raise
            self.refused.append(Refusal(path, exc.reason, exc.code))


def _queue(engine: Engine, upload: Upload, one: _Arrived) -> Document:
    """Return the queued document; one that is here already, unchanged and not failed, is not read again."""
    known = _unchanged(engine, upload, one)
    if known is not None:
        return known
    title = PurePosixPath(one.path).name or one.path
    return documents.add(
        engine,
        upload.collection_id,
        title,
        one.path,
        one.media_type,
        one.stored.size,
        one.stored.sha256,
        upload.readers,
        upload.uploaded_by,
    )


def _unchanged(engine: Engine, upload: Upload, one: _Arrived) -> Document | None:
    table = documents_table.c
    same = (
        table.collection_id == upload.collection_id,
        table.path == one.path,
        table.sha256 == one.stored.sha256,
        table.media_type == one.media_type,
        table.status.in_(("queued", "running", "ready")),
        table.cancel_requested == 0,
    )
    with reading(engine) as connection:
        found = connection.execute(select(table.id).where(*same)).scalar_one_or_none()
    if found is None:
        return None
    with engine.begin() as connection:
        refused.forget(connection, upload.collection_id, one.path)
    if upload.readers:
        return documents.set_readers(engine, _EVERYTHING, found, upload.readers)
    return documents.get(engine, _EVERYTHING, found)


def _name_at(received: egress.Received) -> str:
    """Return a file name for a document from the web: the last part of its URL, with an ending that fits.

    A page is a page whatever its address ends in, unless that promises something that is no text at all.
    """
    name = PurePosixPath(unquote(urlsplit(received.url).path)).name or "page"
    named = media_type_of_name(name)
    is_page = received.media_type in _PAGE_TYPES and (named is None or named.startswith("text/"))
    if is_page or named is None:
        name += ".html" if is_page else suffix_for(received.media_type) or ""
    return name
