"""Health by tokens: a server that has work and makes no token is not well, whatever it says of itself."""

from __future__ import annotations

from collections.abc import Callable


class Progress:
    """Counts streams and what came of them. Knows no clock and no network of its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Idle. `clock` counts seconds and never goes back."""
        self._clock = clock
        self._moved = clock()
        self.jobs = 0  # streams that wait for their first or next token
        self.tokens = 0  # since the start

    def begins(self) -> None:
        """Note that a stream waits for tokens."""
        if not self.jobs:
            self._moved = self._clock()
        self.jobs += 1

    def token(self) -> None:
        """Note that something came."""
        self.tokens += 1
        self._moved = self._clock()

    def ends(self) -> None:
        """Note that a stream is over, by whatever cause."""
        self.jobs -= 1

    def silent_s(self) -> float:
        """Return for how long nothing has come though there is work; 0 while there is none."""
        return self._clock() - self._moved if self.jobs else 0.0
