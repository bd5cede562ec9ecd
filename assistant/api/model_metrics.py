"""What the page Models shows of each model, and the page Status of answers from memory, as figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from assistant.app import ModelStatus
from assistant.kept import Figures

_LABELS = ("model", "tier")
_BREAKER = ("closed", "half-open", "open")


def of_models(status: Sequence[ModelStatus]) -> Iterator[Metric]:
    """Yield the figures of all models; what is not known yet of one is left out. Ensembles have none of their own."""
    models = [model for model in status if model.tier != "ensemble"]
    answers = CounterMetricFamily("assistant_model_answers", "Answers since the start", labels=_LABELS)
    failures = CounterMetricFamily("assistant_model_failures", "Failures since the start", labels=_LABELS)
    busy = GaugeMetricFamily("assistant_model_busy", "Requests under way", labels=_LABELS)
    healthy = GaugeMetricFamily("assistant_model_healthy", "1 when it answers", labels=_LABELS)
    enabled = GaugeMetricFamily("assistant_model_enabled", "1 when it may be asked", labels=_LABELS)
    breaker = GaugeMetricFamily("assistant_model_breaker", "1 for the state", labels=(*_LABELS, "state"))
    first = GaugeMetricFamily("assistant_model_first_token_seconds", "Moving average", labels=_LABELS)
    speed = GaugeMetricFamily("assistant_model_tokens_per_second", "Moving average", labels=_LABELS)
    for model in models:
        labels = (model.name, model.tier)
        answers.add_metric(labels, model.answers)
        failures.add_metric(labels, model.failures)
        busy.add_metric(labels, model.busy)
        healthy.add_metric(labels, model.healthy)
        enabled.add_metric(labels, model.enabled)
        for state in _BREAKER:
            breaker.add_metric((*labels, state), model.breaker == state)
        if model.first_token_s is not None:
            first.add_metric(labels, model.first_token_s)
        if model.tokens_per_s is not None:
            speed.add_metric(labels, model.tokens_per_s)
    yield from (answers, failures, busy, healthy, enabled, breaker, first, speed)


def of_memory(kept: Figures) -> Iterator[Metric]:
    """Yield what was answered without a model, by how the answer was found, and the tokens that saved."""
    found = CounterMetricFamily("assistant_kept_answers", "Answers without a model", labels=("how",))
    for how, count in (("same", kept.same), ("near", kept.near), ("pinned", kept.pinned), ("missed", kept.missed)):
        found.add_metric((how,), count)
    saved = CounterMetricFamily("assistant_kept_saved_tokens", "Tokens of answers that were kept")
    saved.add_metric((), kept.saved_tokens)
    entries = GaugeMetricFamily("assistant_kept_entries", "Answers that are kept now")
    entries.add_metric((), kept.entries)
    yield from (found, saved, entries)
