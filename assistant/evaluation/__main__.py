"""python -m assistant.evaluation: the process behind `assistant eval run`; prints a table, or JSON with --json."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from assistant.cli.output import Failed
from assistant.errors import AssistantError
from assistant.evaluation.errors import EvaluationError
from assistant.evaluation.run import DEFAULT_ROUTE, Job, Tell, run
from assistant.evaluation.table import table
from assistant.logs import configure
from assistant.models.errors import ModelError
from assistant.settings import load
from knowledge.errors import KnowledgeError

_EVERY = 25  # lines of progress where there is no terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    given = _parser().parse_args(arguments)
    job = Job(
        source=given.source,
        collections=tuple(given.collection),
        routes=(DEFAULT_ROUTE, *given.compare),
        limit=given.limit,
        rows=given.rows,
    )
    console = Console(stderr=True)
    try:
        settings = load(data_dir=given.data_dir)
        configure("error")  # what goes wrong in a turn stands in its answer
        found = asyncio.run(run(job, settings, partial(console.print, style="dim"), _telling(console)))
    except (AssistantError, EvaluationError, KnowledgeError, ModelError, Failed) as error:
        print(error, file=sys.stderr)
        return 1
    if given.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        Console().print(table(str(given.source), found["routes"]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="assistant eval run", description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--collection", action="append", default=[])
    parser.add_argument("--compare", action="append", default=[])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--json", action="store_true")
    return parser


def _telling(console: Console) -> Tell:
    def tell(done: int, of: int) -> None:
        if console.is_terminal:
            console.print(f"{done:,} of {of:,}", end="\r", style="dim")
        elif done == of or done % _EVERY == 0:
            console.print(f"{done:,} of {of:,}", style="dim")

    return tell


if __name__ == "__main__":
    sys.exit(main())
