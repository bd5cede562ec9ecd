"""What a measurement comes to: means with their bootstrap intervals, times and tokens, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import quantiles
from typing import Any

from rich.table import Table

from assistant.adaptation.metrics import Interval, bootstrap, summary
from assistant.evaluation.grounded import Outcome, names

_NAMES = {
    "token_f1": "token F1",
    "exact_match": "exact match",
    "citation_precision": "citation precision",
    "citation_recall": "citation recall",
    "false_abstentions": "false abstentions",
    "abstention_recall": "abstention recall",
    "retrieval_recall": "gold context retrieved",
    "words": "words per answer",
    "ndcg@10": "nDCG@10",
    "recall@10": "recall@10",
    "right_calls": "right calls",
    "right_functions": "right functions",
}


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


def table(title: str, summaries: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return the table that people read: a row for each metric, a column for each route."""
    shown = Table(title=title, title_justify="left")
    shown.add_column("")
    for route in summaries:
        shown.add_column(route, justify="right")
    columns = list(summaries.values())
    for name in _rows(column["metrics"] for column in columns):
        cells = [_interval(column["metrics"].get(name)) for column in columns]
        shown.add_row(_NAMES.get(name, name), *cells)
    for name in _rows(column["ms"] for column in columns):
        cells = [f"{column['ms'][name]['p50']:,.0f} / {column['ms'][name]['p95']:,.0f}" for column in columns]
        shown.add_row(f"{name.replace('_', ' ')}, ms (p50 / p95)", *cells)
    if all("tokens" in column for column in columns):
        cells = [f"{column['tokens']['input']:,} / {column['tokens']['output']:,}" for column in columns]
        shown.add_row("tokens in / out", *cells)
    shown.add_row("questions", *(f"{column['n']:,}" for column in columns))
    return shown


def _rows(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for part in parts for name in part))


def _interval(found: Mapping[str, float] | None) -> str:
    return f"{found['mean']:.3f} ({found['low']:.3f} to {found['high']:.3f})" if found else "-"


def _retrieved_gold(outcome: Outcome) -> float:
    found = (names(p.document_id, p.path, p.title, p.page) for p in outcome.retrieved)
    return float(any(outcome.question.gold & each for each in found))
