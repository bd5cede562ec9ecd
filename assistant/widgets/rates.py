"""How often something happens, by key, in this process: buckets that fill with time. The daily limits are in quota."""

from __future__ import annotations

import time
from collections.abc import Callable

_REMEMBERED = 20_000


class Rates:
    """Leaky buckets; all of it runs in the event loop, so nothing here needs a lock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with every bucket full; `clock` gives seconds."""
        self._clock = clock
        self._left: dict[str, tuple[float, float, float]] = {}  # key -> (left, at that second, seconds to fill)

    def take(self, key: str, limit: int, per_s: float) -> float:
        """Take one of `limit` in `per_s` seconds; returns 0, or in how many seconds there is one when there is none."""
        moment = self._clock()
        left, since, _ = self._left.get(key, (float(limit), moment, per_s))
        left = min(float(limit), left + (moment - since) * limit / per_s)
        if left < 1.0:
            return (1.0 - left) * per_s / limit if limit else per_s
        self._left[key] = (left - 1.0, moment, per_s)
        if len(self._left) > _REMEMBERED:
            self._left = {name: at for name, at in self._left.items() if moment - at[1] < at[2]}
        return 0.0
