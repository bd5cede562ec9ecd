"""How often a request may be tried a second time."""

from __future__ import annotations


class RetryBudget:
    """Lets a tenth of the requests be tried a second time, so that retries never multiply a server's trouble."""

    def __init__(self, most: float = 10.0, per_answer: float = 0.1) -> None:
        self._left = self._most = most
        self._per_answer = per_answer

    def earn(self) -> None:
        """Note an answer that came."""
        self._left = min(self._most, self._left + self._per_answer)

    def take(self) -> bool:
        """Return whether one more try is allowed, and count it."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
