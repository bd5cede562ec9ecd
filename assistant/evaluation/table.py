"""A measurement as people read it in a terminal. Apart from report.py: a server holds nothing that draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

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
