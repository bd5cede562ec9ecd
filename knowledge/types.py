"""The nouns of knowledge: who asks (Scope), what is stored (Collection, Document, Chunk), what is found (Passage)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]  # (n, dimension), rows of unit length

EVERYONE = "everyone"  # the principal of each signed-in person
PUBLIC = "public"  # the principal of visitors without an account

DocumentStatus = Literal["queued", "running", "ready", "failed", "cancelled"]
REFUSED = "refused"  # the stage of a failed document that was not even taken: it has a row, and no file


@dataclass(frozen=True, slots=True)
class Scope:
    """What one caller may read: required by every read, never defaulted.

    `principals` are strings: "everyone", "public", "user:<id>", "group:<name>". A collection or document is
    readable when one of its readers is among them. `sees_all` is the right of administrators.
    """

    principals: frozenset[str]
    sees_all: bool = False

    @property
    def fingerprint(self) -> str:
        """Return 16 hex digits that are equal for two scopes exactly when they may read the same."""
        text = "*" if self.sees_all else "\n".join(sorted(self.principals))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents with its readers."""

    id: str
    name: str
    description: str
    readers: frozenset[str]  # principals; empty: administrators only
    n_documents: int
    n_chunks: int
    updated_at: datetime
    private_to: str | None = None  # conversation id when it holds that conversation's attachments, else None


@dataclass(frozen=True, slots=True)
class Document:
    """One document's row: what it is and how far its ingestion has come."""

    id: str
    collection_id: str
    title: str
    path: str  # as given: relative path, URL or file name
    media_type: str
    size: int  # bytes
    sha256: str  # of the file's bytes, hex
    readers: frozenset[str]  # empty: the collection's readers decide
    status: DocumentStatus
    stage: str  # "waiting", "loading", "cleaning", "chunking", "embedding", "saving", "done", REFUSED
    progress: float  # 0..1 over all stages
    seconds_left: float | None  # None when unknown
    reason: str | None  # why it failed, one sentence for people
    n_chunks: int
    uploaded_by: str
    created_at: datetime
    updated_at: datetime


class PageBreak(NamedTuple):
    """Where the text of a chunk goes on to another page."""

    at: int  # character of the text from which on it stands there
    page: int  # 1-based


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A piece of a document, ready to be stored."""

    text: str  # what people and models read
    heading: str = ""  # path of headings above it, joined by " > "
    page: int | None = None  # where it begins, 1-based; None when the source has no pages
    anchor: str = ""  # fragment that opens the place in the source, e.g. "leave-policy"; may be empty
    page_breaks: tuple[PageBreak, ...] = ()  # in order


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stored piece of a document."""

    row: int  # the number that the indexes carry; never used again after the chunk is gone
    id: str  # stable while document, position, heading and text stay the same
    document_id: str
    n: int  # position in the document, from 0
    text: str
    heading: str
    page: int | None  # where it begins, 1-based
    anchor: str
    enabled: bool  # False: no search returns it
    page_breaks: tuple[PageBreak, ...] = ()


@dataclass(frozen=True, slots=True)
class StageScores:
    """How each search stage saw a passage; None where a stage did not return it."""

    dense: float | None = None  # cosine similarity, -1..1
    keyword: float | None = None  # BM25, 0..
    fused: float | None = None  # reciprocal rank fusion
    rerank: float | None = None  # cross-encoder, 0..1


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was found for a question, ready to be cited."""

    chunk_id: str
    document_id: str
    collection_id: str
    title: str  # what the reader sees in a citation
    path: str
    text: str
    heading: str
    page: int | None  # where it begins, 1-based
    anchor: str
    score: float  # 0..1, higher is closer; comparable within one search only
    scores: StageScores = field(default_factory=StageScores)
    place: int = 0  # in its document, from 0
    page_breaks: tuple[PageBreak, ...] = ()

    def page_at(self, character: int) -> int | None:
        """Return the page, 1-based, on which the text stands at `character`; None when the source has no pages."""
        return next((later.page for later in reversed(self.page_breaks) if later.at <= character), self.page)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, and where it looked."""

    passages: list[Passage]  # best first
    searched: tuple[str, ...]  # names of the collections, those without a hit included
    n_candidates: int  # chunks that the caller may read among those that the indexes returned
    timings_ms: dict[str, float] = field(default_factory=dict)  # by stage
    notice: str | None = None  # one sentence when one of the two stages could not answer


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    name: str  # stored with every index; another name means another index

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        ...

    def embed(self, texts: list[str]) -> Vectors:
        """Return one row per text, in order; an empty list gives shape (0, dimension)."""
        ...


class Reranker(Protocol):
    """Judges how well a passage answers a query."""

    name: str

    def score(self, query: str, texts: list[str]) -> list[float]:
        """Return one score per text, in order, 0..1, higher is better."""
        ...
