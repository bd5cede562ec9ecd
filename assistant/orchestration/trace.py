"""Trace: the steps and times of one turn, in the order in which they happened."""

from __future__ import annotations

from time import perf_counter

from assistant.types import Event, Step


class Trace:
    """Collects what is shown about the way to an answer."""

    def __init__(self) -> None:
        """Begin now."""
        self._started = perf_counter()
        self.steps: list[Step] = []
        self.timings_ms: dict[str, float] = {}

    def elapsed_ms(self, since: float | None = None) -> float:
        """Return the milliseconds since the turn began, or since a `clock` value."""
        return (perf_counter() - (self._started if since is None else since)) * 1000

    def clock(self) -> float:
        """Return a time to measure from."""
        return perf_counter()

    def step(self, name: str, detail: str, ms: float) -> Event:
        """Note a step of `ms` milliseconds, and return the event that shows it; times of one name add up."""
        step = Step(name, detail, ms)
        self.steps.append(step)
        self.timings_ms[name] = self.timings_ms.get(name, 0.0) + ms
        return Event("step", step=step)

    def total(self) -> dict[str, float]:
        """Return all times, with "total"."""
        return {**self.timings_ms, "total": self.elapsed_ms()}
