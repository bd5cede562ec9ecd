"""What can go wrong with curated answers. Each message is one sentence with what to do.

CuratedRefused
├── CuratedUnusable     a text is empty, a mark has no source, or a source is not there
└── CuratedFull         there are as many as there may be
"""

from __future__ import annotations

from assistant.errors import AssistantError


class CuratedRefused(AssistantError):
    """The root of this package's errors."""


class CuratedUnusable(CuratedRefused):
    """A curated answer cannot be kept as it was written."""


class CuratedFull(CuratedRefused):
    """There are as many curated answers as there may be."""
