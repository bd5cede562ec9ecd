"""What can go wrong with memory. Each message is one sentence with what to do.

MemoryRefused
├── NoteUnusable    empty, too long, or a secret
├── MemoryFull      the person has as many notes as there may be
├── NotAMember      the person is not in that group
└── NoPerson        a visitor has no memory
"""

from __future__ import annotations

from assistant.errors import AssistantError


class MemoryRefused(AssistantError):
    """The root of this package's errors."""


class NoteUnusable(MemoryRefused):
    """A note is empty, too long, or holds a secret."""


class MemoryFull(MemoryRefused):
    """The person has as many notes as there may be."""


class NotAMember(MemoryRefused):
    """The person is not in that group, or there is none such."""


class NoPerson(MemoryRefused):
    """A visitor, or a program without a person, has no memory."""
