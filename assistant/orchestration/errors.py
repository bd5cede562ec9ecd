"""What can go wrong while a turn is orchestrated.

OrchestrationError
├── ContextTooSmall      the model's context cannot hold the prompt
└── KernelUnavailable    semantic-kernel could not be loaded
"""

from __future__ import annotations


class OrchestrationError(Exception):
    """The root of this package's errors."""


class ContextTooSmall(OrchestrationError):
    """The model's context cannot hold the prompt."""


class KernelUnavailable(OrchestrationError):
    """semantic-kernel could not be loaded."""
