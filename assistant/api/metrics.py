"""Figures for operators in Prometheus' format, kept per application so that two in one process do not mix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.registry import Collector

from assistant.api.model_metrics import of_memory, of_models
from assistant.app import ModelStatus
from assistant.kept import Figures
from knowledge.types import DocumentStatus

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 120.0)


class _Read(Collector):
    """Figures that others keep, read when Prometheus asks."""

    def __init__(self, now: Callable[[], Iterator[Metric]]) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield them."""
        return self._now()

    def describe(self) -> list[Metric]:
        """Return nothing: what there is depends on the models."""
        return []


class Metrics:
    """All counters of the API process."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "assistant_requests_total", "Requests", ["route", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "assistant_request_seconds", "Duration of requests", ["route"], buckets=_SECONDS, registry=self.registry
        )
        self._first_text = Histogram(
            "assistant_first_text_seconds", "From question to first text", buckets=_SECONDS, registry=self.registry
        )
        self._answers = Counter("assistant_answers_total", "Answers by outcome", ["outcome"], registry=self.registry)
        self._refused = Counter("assistant_refused_total", "Refused for lack of room", ["room"], registry=self.registry)
        self._inside = Gauge("assistant_room_inside", "Being served now", ["room"], registry=self.registry)
        self._waiting = Gauge("assistant_room_waiting", "Waiting for a place now", ["room"], registry=self.registry)
        self._documents = Gauge("assistant_documents", "Documents by status", ["status"], registry=self.registry)

        self.registry.register(_Read(self._now))
        self._models: Sequence[ModelStatus] = ()
        self._kept: Figures | None = None

    def models(self, status: Sequence[ModelStatus], kept: Figures) -> None:
        """Note how the models do, and what was answered without one; both are counted elsewhere."""
        self._models, self._kept = status, kept

    def _now(self) -> Iterator[Metric]:
        yield from of_models(self._models)
        if self._kept is not None:
            yield from of_memory(self._kept)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the pattern, e.g. /api/users/{id}."""
        self._requests.labels(route, method if method in _METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def first_text(self, seconds: float) -> None:
        """Note how long somebody waited for the first text."""
        self._first_text.observe(seconds)

    def answered(self, outcome: str) -> None:
        """Count an answer: "answered", "abstained", "degraded", "stopped" or "failed"."""
        self._answers.labels(outcome).inc()

    def refused(self, room: str) -> None:
        """Count a request that found no room."""
        self._refused.labels(room).inc()

    def occupied(self, room: str, inside: int, waiting: int) -> None:
        """Note how full a room is."""
        self._inside.labels(room).set(inside)
        self._waiting.labels(room).set(waiting)

    def documents(self, by_status: dict[str, int]) -> None:
        """Note how many documents there are in each status; one that is not named has none."""
        for status in get_args(DocumentStatus):
            self._documents.labels(status).set(by_status.get(status, 0))

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
