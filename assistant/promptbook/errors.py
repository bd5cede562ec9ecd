"""What can go wrong with prompts. Each message is one sentence with the value and what to do.

PromptRefused
├── PromptBroken      not YAML, a text is missing, unknown or too long
├── PromptClash       another live prompt is chosen for the same route
├── NothingToRollBack the version that ships is live already
└── CommandUnknown    a question begins with the name of a prompt that there is not, or is only that name
"""

from __future__ import annotations

from assistant.errors import AssistantError


class PromptRefused(AssistantError):
    """The root of this package's errors."""


class PromptBroken(PromptRefused):
    """The text is no prompt: not YAML, or a text in it is missing, unknown or too long."""


class PromptClash(PromptRefused):
    """Another live prompt is chosen for the same job and route."""


class NothingToRollBack(PromptRefused):
    """The version that ships is live already."""


class CommandUnknown(PromptRefused):
    """A question begins with "/name", and no prompt has that name, or nothing stands behind it."""
