"""What the reading process does with one file: load, clean, cut, leave out repetitions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from ingest.chunk import Chunker
from ingest.clean import clean, visible
from ingest.dedupe import without_repeats
from ingest.errors import DocumentRefused
from ingest.load import load
from ingest.subject import completed
from ingest.types import Prepared, Source

_TITLE_CHARACTERS = 200
Tell = Callable[[str], None]  # the name of the stage that begins


def prepare(source: Source, chunker: Chunker, tell: Tell) -> Prepared:
    """Return the document's title and chunks; raises DocumentRefused, empty when there is no text in it."""
    tell("loading")
    loaded = load(source)
    tell("cleaning")
    blocks = clean(loaded.blocks)
    size = sum(len(block.text) + sum(len(cell) for row in block.rows for cell in row) for block in blocks)
    if size > source.limits.text_bytes:
        raise DocumentRefused(
            "too_large", f"It holds more than {source.limits.text_bytes // 2**20} MiB of text; upload it in parts."
        )
    title = shown_title(loaded.title) or shown_title(PurePosixPath(source.name).name) or "Untitled"
    full, under = completed(title, blocks)
    if len(full) <= _TITLE_CHARACTERS:
        title, blocks = full, under
    tell("chunking")
    chunks = without_repeats(chunker.chunks(title, blocks))
    if not chunks and not loaded.attachments:
        raise DocumentRefused("empty", "No text was found in it.")
    return Prepared(title, tuple(chunks), loaded.attachments)


def shown_title(title: str | None) -> str:
    """Return a title on one line, cut to a length that fits everywhere; "" for none."""
    line = " ".join(visible(title or "").split())
    return line if len(line) <= _TITLE_CHARACTERS else line[: _TITLE_CHARACTERS - 1].rstrip() + "…"
