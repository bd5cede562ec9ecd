"""What can go wrong with assistants of the gallery. Each message is one sentence with what to do.

GalleryRefused
├── AssistantUnusable      it names something that is not there, or has too much of something
├── AssistantNameTaken     its owner has another one of that name
├── TooManyAssistants      its owner has as many as one person may have
├── GalleryFull            there are as many as there may be
└── NotYourAssistant       somebody else's, which the caller may use and not change
"""

from __future__ import annotations

from assistant.errors import AssistantError


class GalleryRefused(AssistantError):
    """The root of this package's errors."""


class AssistantUnusable(GalleryRefused):
    """An assistant cannot be kept as it was written."""


class AssistantNameTaken(GalleryRefused):
    """Its owner has another assistant of that name."""


class TooManyAssistants(GalleryRefused):
    """Its owner has as many assistants as one person may have."""


class GalleryFull(GalleryRefused):
    """There are as many assistants as there may be."""


class NotYourAssistant(GalleryRefused):
    """An assistant that the caller may use and not change."""
