"""What can go wrong between the pages and the API.

UiError
├── ApiUnreachable    no answer at all: not started, wrong address, cut off
├── SignedOut         the session has ended (401)
└── ApiRefused        the API answered with a problem document (4xx or 5xx other than 401)
"""

from __future__ import annotations


class UiError(Exception):
    """Anything the pages show to a person instead of a stack trace; `str()` is one sentence for that person."""


class ApiUnreachable(UiError):
    """No answer came; trying again later may help."""


class SignedOut(UiError):
    """The session token is missing, expired or revoked."""


class ApiRefused(UiError):
    """The API said no, and why."""

    def __init__(self, status: int, title: str, detail: str, code: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail or title)
        self.status = status  # HTTP status, 400..599
        self.title = title
        self.code = code  # stable name of the problem; may be empty
        self.retry_after_s = retry_after_s  # None: the API did not say

    @property
    def temporary(self) -> bool:
        """Whether the same request may succeed later (429, 5xx)."""
        return self.status == 429 or self.status >= 500
