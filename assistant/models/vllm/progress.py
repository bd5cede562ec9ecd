"""Health by tokens: a server that has work and makes no token is not well, whatever it says of itself.

Nor is one whose tokens hold no text.
"""

from __future__ import annotations

from collections.abc import Callable

MUTE = 3  # answers in a row; one may be a question that asks for nothing


class Progress:
    """Counts chats and what came of them. Knows no clock and no network of its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Idle. `clock` counts seconds and never goes back."""
        self._clock = clock
        self._moved = clock()
        self._counted: int | None = None
        self._without_text = 0
        self.jobs = 0  # chats that wait for their first or next token
        self.tokens = 0  # since the start

    def begins(self) -> None:
        """Note that a chat waits for tokens."""
        if not self.jobs:
            self._moved = self._clock()
        self.jobs += 1

    def token(self) -> None:
        """Note that something came."""
        self.tokens += 1
        self._moved = self._clock()

    def counted(self, total: int | None) -> None:
        """Note how many tokens vLLM says it has made, which moves for answers that come in one piece, too."""
        if total is not None and total != self._counted:
            self._counted = total
            self._moved = self._clock()

    def ends(self) -> None:
        """Note that a chat is over, by whatever cause."""
        self.jobs -= 1

    def answered(self, mute: bool) -> None:
        """Note a whole answer, and whether it was one without text."""
        self._without_text = self._without_text + 1 if mute else 0

    @property
    def mute(self) -> bool:
        """Return whether the last answers held no text."""
        return self._without_text >= MUTE

    def silent_s(self) -> float:
        """Return for how long nothing has come though there is work; 0 while there is none."""
        return self._clock() - self._moved if self.jobs else 0.0
