"""What can go wrong while documents are taken in.

IngestError
├── DocumentRefused   this document is not taken: the reason is one sentence for people; trying again changes nothing
├── ReaderCrashed     the process that read the document died or hung; another try may help
├── LeaseLost         the document was deleted, replaced, or went to another worker
└── StorageFull       the disk has no room for another file
"""

from __future__ import annotations


class IngestError(Exception):
    """Ingestion could not go on; the message is one sentence for people."""


class DocumentRefused(IngestError):
    """A document is not taken, and would not be taken a second time either."""

    def __init__(self, code: str, reason: str) -> None:
        """`code` is one of: unsupported, mismatch, legacy, encrypted, damaged, bomb, unsafe, too_large,
        limits, empty, too_many."""
        super().__init__(reason)
        self.code = code
        self.reason = reason


class ReaderCrashed(IngestError):
    """The reading process ended without an answer."""


class LeaseLost(IngestError):
    """The document is no longer ours to work on."""


class StorageFull(IngestError):
    """There is no room for another file."""
