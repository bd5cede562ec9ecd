"""How large what is handed in may be: the server's limits as the fields say them, and requests that keep them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streamlit.typing import UploadedFile

from ui import settings, state
from ui.wire import UploadLimits

_MIB = 1024 * 1024  # what Streamlit calls a megabyte


def document_mb() -> int:
    """Return how many megabytes a document may have."""
    found = _limits()
    return _megabytes(min(found.max_file_bytes, found.max_request_bytes))


def attachment_mb() -> int:
    """Return how many megabytes a file of a chat may have."""
    found = _limits()
    return _megabytes(min(found.max_file_bytes, found.max_attachment_bytes))


def in_requests(files: Sequence[UploadedFile]) -> Iterator[list[UploadedFile]]:
    """Yield the documents in their order, as many at a time as one request may hold; a too large one is alone."""
    found = _limits()
    batch: list[UploadedFile] = []
    size = 0
    for file in files:
        if batch and (len(batch) >= found.max_files or size + file.size > found.max_request_bytes // 2):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _limits() -> UploadLimits:
    return state.remembered("upload-limits", lambda: state.api().upload_limits())


def _megabytes(size: int) -> int:
    """Return a server's limit in whole megabytes, no more than the pages themselves take into memory."""
    return max(1, min(size // _MIB, settings.current().max_upload_mb))
