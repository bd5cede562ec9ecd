"""A circuit breaker that watches tokens, not health pages: a server can say that it is well and never answer.

closed --three failures in a row, or work without a token for `silence_s`--> open
open --every `canary_every_s`: one tiny request--> half-open --a token--> closed
                                                   half-open --none--> open
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["closed", "open", "half-open"]
# An event loop counts in milliseconds from where its round began: what waits for `silence_s` may be woken before.
_EARLY_S = 0.05


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When to stop asking a model, and when to try it again; seconds."""

    failures: int = 3
    silence_s: float = 10.0  # with work in hand; must be longer than the longest wait for a first token
    canary_every_s: float = 10.0
    # A model that fails again so soon after it came back stays out this long, so that answers do not change hands
    # more than about once a minute.
    steady_s: float = 60.0


class Breaker:
    """The state of one model. Knows no clock and no network of its own."""

    def __init__(self, rules: BreakerRules, clock: Callable[[], float]) -> None:
        """Closed. `clock` counts seconds and never goes back."""
        self._rules = rules
        self._clock = clock
        self._failures = 0
        self._open = False
        self._canary = False
        self._next_canary = 0.0
        self._closed_at = float("-inf")
        # Only time in which a call waits for the model counts as silence, not that in which a slow reader takes his
        # time: a call is here from `waits` to `progress` or `end`.
        self._waiting: set[int] = set()
        self._silent_since: float | None = None
        self._last_end = clock()

    def state(self) -> State:
        """Return the state, after taking account of how long nothing has come."""
        if not self._open and self._waiting and self._is_silent():
            self._trip()
        return ("half-open" if self._canary else "open") if self._open else "closed"

    def tried_again_in_s(self) -> float | None:
        """Return in how many seconds one tiny request is sent; None unless it is open."""
        return max(0.0, self._next_canary - self._clock()) if self.state() == "open" else None

    def allows(self) -> bool:
        """Return whether a real request may go there now."""
        return self.state() == "closed"

    def waits(self, call: int) -> None:
        """Note that a call waits for its first or next token."""
        now = self._clock()
        forgotten = not self._waiting and now - self._last_end >= self._rules.silence_s
        if self._silent_since is None or forgotten:
            self._silent_since = now
        self._waiting.add(call)

    def progress(self, call: int) -> None:
        """Note that a token came; a token of any call says that the model is alive."""
        self._waiting.discard(call)
        self._failures = 0
        self._silent_since = self._clock() if self._waiting else None

    def end(self, call: int, failed: bool) -> None:
        """Note that a call has ended; one that the caller gave up has not failed."""
        self._waiting.discard(call)
        self._last_end = self._clock()
        if not failed:
            self._silent_since = self._silent_since if self._waiting else None
            return
        self._failures += 1
        if not self._open and (self._failures >= self._rules.failures or self._is_silent()):
            self._trip()

    def canary_due(self) -> bool:
        """Return whether one tiny request should be sent to see if the model is back."""
        return self.state() == "open" and self._clock() >= self._next_canary

    def canary_begins(self) -> None:
        """Note that the tiny request is on its way."""
        self._canary = True

    def canary_ends(self, alive: bool) -> None:
        """Note whether a token came back."""
        now = self._clock()
        self._canary = False
        self._next_canary = now + self._rules.canary_every_s
        if alive:
            self._open, self._failures, self._closed_at = False, 0, now
            self._waiting.clear()  # of the time before: their silence says nothing of now
            self._silent_since = None

    def _is_silent(self) -> bool:
        since = self._silent_since
        return since is not None and self._clock() - since >= self._rules.silence_s - _EARLY_S

    def _trip(self) -> None:
        now = self._clock()
        again = now - self._closed_at < self._rules.steady_s
        self._open = True
        self._next_canary = now + (self._rules.steady_s if again else self._rules.canary_every_s)
