"""`assistant ingest`: files, folders and URLs into a collection, with each document's fate."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, err, show_json, show_table
from assistant.cli.session import call, connect, sentence, spawn, stop
from assistant.server_file import running_server

# Of one request, so that refusals come early and small files together do not go over the server's limit; a larger file
# goes alone.
BATCH = 20  # files
BATCH_BYTES = 100_000_000
_NUMBER = re.compile(r"\d+")
_ALIKE = 0.8  # share of signs from which one name may be the other one, mistyped: "Handbok" and "Handbook" share 0.93
SETTLED = {"ready", "failed", "cancelled"}


def ingest(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH|URL ...", help="Files, folders or http(s) addresses; of several folders each keeps its name."
        ),
    ],
    collection: Annotated[str, typer.Option(help="Where they go; created when it does not exist.")],
    readers: Annotated[
        list[str] | None,
        typer.Option(help="A group that may read them (a new collection's readers); default everyone."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when each document is ready or has failed.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Bring documents into a collection."""
    settings = settings_of(context)
    urls = [source for source in sources if source.startswith(("http://", "https://"))]
    files = _files([source for source in sources if source not in urls])
    principals = [_principal(reader) for reader in readers or []]
    alone = running_server(settings.data_dir) is None
    with connect(settings) as client:
        # Without a running server nobody else works on the queue, so this command does until it is empty.
        worker = spawn(settings, "assistant.work") if alone and wait else None
        try:
            target = _collection(client, collection, principals)
            rows = [row for batch in _batches(files) for row in _upload(client, target, batch)]
            rows += [row for url in urls for row in _fetch(client, target, url)]
            if wait:
                _wait(client, rows)
        finally:
            if worker is not None:
                stop(worker)
    if as_json:
        show_json({"documents": rows})
    else:
        show_table("Documents", ["path", "status", "chunks", "reason"], [_cells(row) for row in rows])
        if alone and not wait and any(row["status"] == "queued" for row in rows):
            err.print(
                "They are read as soon as `assistant up` or `assistant worker` runs; with --wait, by this command."
            )
    failed = sum(row["status"] == "failed" for row in rows)
    if failed:
        raise Failed(f"{failed} of {len(rows)} documents were not taken in; their reasons stand beside them.")


def _files(paths: list[str]) -> list[tuple[Path, str]]:
    """Return (file, name to store) of files and of everything below folders.

    Names are relative to the folder where one is given; of several, each name begins with as much of its folder as
    keeps them apart. Hidden files are left out, and so are links out of the folder: whoever may write in it could have
    files taken that only the person who runs the command may read.

    Raises Failed where two files would get one name, since the second would take the place of the first.
    """
    folders = _apart({path.resolve() for path in map(Path, paths) if path.is_dir()})
    named: dict[str, Path] = {}
    for given in paths:
        for file, name in _below(Path(given), folders):
            other = named.setdefault(name, file)
            if other.resolve() != file.resolve():
                raise Failed(
                    f"{other} and {file} would both be {name!r} in the collection, where one takes the place of the "
                    f"other; give their folders instead, or ingest them into two collections."
                )
    return [(file, name) for name, file in named.items()]


def _below(path: Path, folders: dict[Path, Path]) -> Iterator[tuple[Path, str]]:
    if path.is_dir():
        inside = path.resolve()
        for file in sorted(path.rglob("*")):
            own = file.is_file() and (not file.is_symlink() or file.resolve().is_relative_to(inside))
            if own and not _hidden(file.relative_to(path)):
                yield file, str(folders[inside] / file.relative_to(path))
    elif path.is_file():
        yield path, path.name
    else:
        raise Failed(f"There is no file or folder {str(path)!r}.")


def _apart(folders: set[Path]) -> dict[Path, Path]:
    """Return the end of each folder's path, all of as many parts as tell them apart: none where there is one folder."""
    parts = {folder: folder.parts[1:] for folder in folders}
    kept = 0 if len(folders) == 1 else 1
    while len({own[-kept:] for own in parts.values()}) < len(parts):
        kept += 1
    return {folder: Path(*own[len(own) - min(kept, len(own)) :]) for folder, own in parts.items()}


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _batches(files: list[tuple[Path, str]]) -> Iterator[list[tuple[Path, str]]]:
    batch: list[tuple[Path, str]] = []
    room = BATCH_BYTES
    for file in files:
        size = file[0].stat().st_size
        if batch and (len(batch) == BATCH or size > room):
            yield batch
            batch, room = [], BATCH_BYTES
        batch.append(file)
        room -= size
    if batch:
        yield batch


def _principal(reader: str) -> str:
    return reader if reader in {"everyone", "public"} or ":" in reader else f"group:{reader}"


def _collection(client: httpx.Client, name: str, readers: list[str]) -> str:
    entries = call(client, "GET", "/api/collections")["collections"]
    for entry in entries:
        if entry["name"] == name:
            if readers and set(readers) != set(entry["readers"]):
                read_by = ", ".join(entry["readers"]) or "administrators alone"
                raise Failed(f"The collection {name!r} is read by {read_by}; leave out --readers, or choose another.")
            return str(entry["id"])
    there = next((entry["name"] for entry in entries if _alike(entry["name"], name)), None)
    if there and not readers:  # a slip of the pen shall not show everyone what a few may read
        raise Failed(
            f"There is no collection {name!r}, but {there!r}; name that one, or say with --readers who reads a new one."
        )
    wanted = {"name": name, "description": "", "readers": readers or ["everyone"]}
    created = call(client, "POST", "/api/collections", json=wanted)
    err.print(f"The collection {name!r} is new, and is read by {', '.join(created['readers'])}.", markup=False)
    return str(created["id"])


def _alike(name: str, other: str) -> bool:
    """Return whether one name may be the other, mistyped; "Reports 2026" is no slip for "Reports 2025"."""
    numbers = _NUMBER.findall(name) == _NUMBER.findall(other)
    return numbers and SequenceMatcher(None, name.casefold(), other.casefold()).ratio() >= _ALIKE


def _upload(client: httpx.Client, collection: str, batch: list[tuple[Path, str]]) -> list[dict[str, Any]]:
    handles = [(path.open("rb"), name) for path, name in batch]
    try:
        files = [("files", (name, handle, "application/octet-stream")) for handle, name in handles]
        reply = client.post(f"/api/collections/{collection}/documents", files=files)
    finally:
        for handle, _ in handles:
            handle.close()
    if not reply.is_success:
        return [_refused(name, sentence(reply)) for _, name in batch]
    return _fates(reply.json())


def _fetch(client: httpx.Client, collection: str, url: str) -> list[dict[str, Any]]:
    reply = client.post(f"/api/collections/{collection}/urls", json={"url": url})
    if not reply.is_success:
        return [_refused(url, sentence(reply))]
    return _fates(reply.json())


def _fates(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each document that was taken and for each that was refused."""
    return [_accepted(entry) for entry in body["documents"]] + [
        _refused(entry["path"], entry["reason"]) for entry in body.get("refused", [])
    ]


def _accepted(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "path": entry["path"],
        "document": entry["document"],
        "status": entry["status"],
        "chunks": 0,
        "reason": None,
    }


def _refused(path: str, reason: str) -> dict[str, Any]:
    return {"path": path, "document": None, "status": "failed", "chunks": 0, "reason": reason}


def _wait(client: httpx.Client, rows: list[dict[str, Any]]) -> None:
    """Follow the accepted rows until each has settled, updating them in place as the queue moves."""
    waiting = [row for row in rows if row["document"]]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as progress:
        bar = progress.add_task("Ingesting", total=len(waiting))
        done = 0
        while waiting:
            waiting = [row for row in waiting if not _refresh(client, row)]
            done = _advance(progress, bar, len([row for row in rows if row["document"]]) - len(waiting), done)
            time.sleep(0.3 if waiting else 0)


def _advance(progress: Progress, bar: TaskID, now: int, before: int) -> int:
    progress.advance(bar, now - before)
    return now


def _refresh(client: httpx.Client, row: dict[str, Any]) -> bool:
    """Update one row from its document; True once it has settled."""
    reply = client.get(f"/api/documents/{row['document']}")
    if reply.status_code == 404:
        row.update(status="failed", reason="The document was deleted while it was being taken in.")
        return True
    document = reply.json()
    row.update(status=document["status"], chunks=document["n_chunks"], reason=document["reason"])
    return document["status"] in SETTLED


def _cells(row: dict[str, Any]) -> list[object]:
    return [row["path"], row["status"], row["chunks"], row["reason"] or ""]
