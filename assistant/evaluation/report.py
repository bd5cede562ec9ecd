"""What a measurement comes to: means with their bootstrap intervals, times and tokens, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import quantiles
from typing import Any

from assistant.adaptation.metrics import Interval, bootstrap, summary
from assistant.evaluation.grounded import Outcome, names


def grounded_summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return metrics with intervals, times in milliseconds, tokens, and counts of what was out of order."""
    found = summary([outcome.scored for outcome in outcomes])
    retrieved = [_retrieved_gold(outcome) for outcome in outcomes if outcome.question.gold]
    if retrieved:
        found["retrieval_recall"] = bootstrap(retrieved)
    return {
        "n": len(outcomes),
        "metrics": {name: asdict(interval) for name, interval in found.items()},
        "ms": {
            name: spread([o.answer.timings_ms.get(name, 0.0) for o in outcomes]) for name in ("first_token", "total")
        },
        "tokens": {
            "input": sum(outcome.answer.usage.input_tokens for outcome in outcomes),
            "output": sum(outcome.answer.usage.output_tokens for outcome in outcomes),
        },
        "degraded": sum(outcome.answer.degraded for outcome in outcomes),
    }


def ranking_summary(ndcg: Sequence[float], recall: Sequence[float], ms: Sequence[float]) -> dict[str, Any]:
    """Return the metrics of a retrieval folder with intervals, and times in milliseconds."""
    metrics: Mapping[str, Interval] = {"ndcg@10": bootstrap(ndcg), "recall@10": bootstrap(recall)}
    found = {name: asdict(interval) for name, interval in metrics.items()}
    return {"n": len(ndcg), "metrics": found, "ms": {"search": spread(ms)}}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile of `values`; zeros when there are none."""
    if len(values) < 2:
        only = round(values[0], 1) if values else 0.0
        return {"p50": only, "p95": only}
    cuts = quantiles(values, n=20, method="inclusive")
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1)}


def _retrieved_gold(outcome: Outcome) -> float:
    found = (names(p.document_id, p.path, p.title, p.page) for p in outcome.retrieved)
    return float(any(outcome.question.gold & each for each in found))
