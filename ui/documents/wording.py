"""How documents, sizes, times and readers are put into words. Pure functions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Literal

from ui.components import RowData
from ui.wire import Collection, Document, DocumentPage

Colour = Literal["red", "orange", "green", "blue", "gray"]  # of badges, as Streamlit names them

EVERYONE, PUBLIC = "everyone", "public"
STATUS = {
    "queued": ("Waiting", "schedule"),
    "running": ("Reading", "sync"),
    "ready": ("Ready", "check_circle"),
    "failed": ("Failed", "error"),
    "cancelled": ("Cancelled", "block"),
}
STATUS_COLOURS: dict[str, Colour] = {"ready": "green", "failed": "red", "running": "blue"}  # the others: gray
STAGES = {
    "loading": "opening",
    "cleaning": "cleaning up",
    "chunking": "cutting into passages",
    "embedding": "making it findable",
    "saving": "saving",
}


def status(document: Document) -> tuple[str, str]:
    """Return (words, icon) of how far a document has come."""
    return ("Refused", "error") if document.is_refused else STATUS[document.status]


def row(document: Document) -> RowData:
    """Return a document as a row of the table."""
    label, icon = status(document)
    return RowData(
        id=document.id,
        title=document.title,
        path=document.path,
        status=document.status,
        label=label,
        icon=icon,
        note=progress(document),
        progress=document.progress,
        reason=(document.reason or "") if document.status == "failed" else "",
        chunks=str(document.n_chunks) if document.n_chunks else "–",
        size="–" if document.is_refused else size(document.size),
        added=ago(document.created_at),
    )


def summary(page: DocumentPage, status: str) -> str:
    """Return how many documents match; where every `status` is shown, also how many are not ready."""
    if not page.total:
        return "No document matches."
    many = "1 document" if page.total == 1 else f"{page.total:,} documents"
    said = {"running": "being read", "queued": "waiting", "failed": "failed", "cancelled": "cancelled"}
    left = [f"{page.counts[name]:,} {words}" for name, words in said.items() if page.counts.get(name) and not status]
    return f"{many}: {', '.join(left)}" if left else many


def progress(document: Document) -> str:
    """Return stage, percent and time left of a document that is being read; "" for others."""
    if document.status != "running":
        return ""
    left = f", {remaining(document.seconds_left)} left" if document.seconds_left is not None else ""
    return f"{STAGES.get(document.stage, document.stage)} · {round(document.progress * 100)} %{left}"


def remaining(seconds: float) -> str:
    """Return a duration as people estimate it: 8 s, 3 min, 2 h."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"


def ago(moment: float | None, now: float | None = None) -> str:
    """Return how long ago something was; `moment` and `now` are epoch seconds."""
    if moment is None:
        return ""
    seconds = (time.time() if now is None else now) - moment
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86_400:
        return f"{seconds // 3600:.0f} h ago"
    days = int(seconds // 86_400)
    return "yesterday" if days == 1 else f"{days} days ago" if days < 60 else f"{days // 30} months ago"


def size(n_bytes: int) -> str:
    """Return a file size in the unit that people read."""
    if n_bytes < 1000:
        return f"{n_bytes} B"
    for unit, divisor in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if n_bytes < divisor * 1000 or unit == "GB":
            value = n_bytes / divisor
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    raise AssertionError("the last unit takes everything")


def contents(collection: Collection) -> str:
    """Return how much a collection holds."""
    documents = "1 document" if collection.n_documents == 1 else f"{collection.n_documents:,} documents"
    passages = "1 passage" if collection.n_chunks == 1 else f"{collection.n_chunks:,} passages"
    return f"{documents} · {passages}"


def reader(principal: str, names: Mapping[str, str]) -> str:
    """Return a reader in words; `names` maps user ids to names."""
    if principal == EVERYONE:
        return "Everyone with an account"
    if principal == PUBLIC:
        return "Visitors without an account"
    kind, _, value = principal.partition(":")
    return f"Group {value}" if kind == "group" else names.get(value, "A person") if kind == "user" else principal


def access(readers: Iterable[str]) -> tuple[str, str, Colour]:
    """Return (words, icon, colour) of the badge that tells who may read a collection."""
    all_readers = sorted(readers)
    if PUBLIC in all_readers:
        return "Public", "public", "orange"
    if EVERYONE in all_readers:
        return "Everyone", "groups", "green"
    groups = [name.partition(":")[2] for name in all_readers if name.startswith("group:")]
    people = len(all_readers) - len(groups)
    if not all_readers:
        return "Administrators only", "lock", "gray"
    parts = [", ".join(groups)] if groups else []
    if people:
        parts.append("1 person" if people == 1 else f"{people} people")
    return " + ".join(parts), "lock_open_right", "blue"
