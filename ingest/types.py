"""The nouns of ingestion: what a file holds (Block, Loaded), what comes of it (Prepared), what is taken (Accepted)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from ingest.errors import DocumentRefused
from ingest.settings import MIB, Limits
from knowledge.types import Document, NewChunk

BlockKind = Literal["heading", "text", "table", "code"]
Row = tuple[str, ...]
Picture = npt.NDArray[np.uint8]  # (height, width, 3), blue, green, red


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document in reading order."""

    kind: BlockKind
    text: str  # of a table: its caption, often empty
    level: int = 0  # of a heading: 1 (highest) to 6
    page: int | None = None  # 1-based; None when the source has no pages
    anchor: str = ""  # fragment that opens the place in the source
    rows: tuple[Row, ...] = ()  # of a table: the first row is its header


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is about to be read."""

    file: BinaryIO  # seekable, at its start
    name: str  # as given; for messages and guesses only, never opened
    media_type: str
    limits: Limits
    report: Callable[[int, int], None]  # pages or pictures done, of how many
    recognise: Callable[[Picture], list[str]]  # the lines of text on a picture, from top to bottom

    def read(self, max_bytes: int) -> bytes:
        """Return the whole file; raises DocumentRefused (too_large) when it has more than `max_bytes`."""
        size = self.file.seek(0, os.SEEK_END)
        if size > max_bytes:
            raise DocumentRefused("too_large", f"It has more than {max_bytes // MIB} MiB; upload it in parts.")
        self.file.seek(0)
        return self.file.read()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside a mail."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a loader found in a file."""

    title: str | None  # None: the content names none
    blocks: tuple[Block, ...]
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class PreparedChunk:
    """A chunk that only lacks its vector."""

    chunk: NewChunk
    tokens: int  # with its heading, as the embedding model counts them


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document, read and cut, as it comes out of the reading process."""

    title: str
    chunks: tuple[PreparedChunk, ...]
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not taken."""

    path: str
    reason: str  # one sentence for people
    code: str  # see DocumentRefused


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one upload: it may have been an archive of many files."""

    documents: tuple[Document, ...]
    refused: tuple[Refusal, ...]
