"""Collections, documents and what is found in them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ui.wire.base import Epoch, Wire

DocumentStatus = Literal["queued", "running", "ready", "failed", "cancelled"]


class Collection(Wire):
    """A named set of documents with its readers."""

    id: str
    name: str
    description: str = ""
    readers: tuple[str, ...] = ()
    n_documents: int = 0
    n_chunks: int = 0
    updated_at: Epoch | None = None


class Document(Wire):
    """One document's row: what it is and how far its ingestion has come."""

    id: str
    collection_id: str = ""
    title: str
    path: str = ""
    media_type: str = ""
    size: int = 0  # bytes
    readers: tuple[str, ...] = ()
    status: DocumentStatus
    stage: str = ""
    progress: float = 0.0  # 0..1
    seconds_left: float | None = None
    reason: str | None = None
    n_chunks: int = 0
    uploaded_by: str = ""
    created_at: Epoch | None = None
    updated_at: Epoch | None = None

    @property
    def is_refused(self) -> bool:
        """Whether this is the row of a file that was not taken, so that there is nothing to download or to read."""
        return self.stage == "refused"


class DocumentPage(Wire):
    """Some of the documents that match."""

    documents: tuple[Document, ...] = ()
    total: int = 0
    counts: dict[str, int] = Field(default_factory=dict)  # by status, of all that match but for the status


class Refused(Wire):
    """A file that was not taken, and why."""

    path: str
    reason: str
    code: str = ""


class Accepted(Wire):
    """A file that is now safe and waits to be read."""

    document: str
    path: str = ""
    status: str = "queued"


class Upload(Wire):
    """The fates of the files of one upload."""

    documents: tuple[Accepted, ...] = ()
    refused: tuple[Refused, ...] = ()


class UploadLimits(Wire):
    """How large what is handed in may be, in bytes."""

    max_file_bytes: int
    max_request_bytes: int  # all files of one request together
    max_files: int  # of one request
    max_attachment_bytes: int  # a request with files for a chat


class Chunk(Wire):
    """A piece of a document as search sees it."""

    id: str
    n: int = 0
    text: str
    heading: str = ""
    page: int | None = None
    anchor: str = ""
    enabled: bool = True


class ChunkPage(Wire):
    """Some of a document's chunks."""

    chunks: tuple[Chunk, ...] = ()
    total: int = 0


class Scores(Wire):
    """How each search stage saw a passage; None where a stage did not return it."""

    dense: float | None = None
    keyword: float | None = None
    fused: float | None = None
    rerank: float | None = None


class Hit(Wire):
    """A passage that a search returned, or one that an abstaining answer offers."""

    document: str = ""
    title: str = ""
    page: int | None = None
    chunk: str
    text: str = ""
    quote: str = ""  # in place of `text` where an answer offers the passage
    score: float = 0.0
    heading: str = ""
    path: str = ""
    collection: str = ""
    scores: Scores = Scores()


class SearchResult(Wire):
    """What a search found, and where it looked."""

    results: tuple[Hit, ...] = ()
    searched: tuple[str, ...] = ()
    notice: str | None = None  # that a stage could not look
    timings_ms: dict[str, float] = Field(default_factory=dict)


class Neighbourhood(Wire):
    """A passage with the text around it in its document."""

    document: str = ""
    title: str = ""
    page: int | None = None
    heading: str = ""
    before: str = ""
    text: str = ""
    after: str = ""
