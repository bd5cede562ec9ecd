"""`assistant eval run`: measure answers or retrieval on a labelled file, through the product's own path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.options import CollectionNames, JsonFlag, settings_of

app = typer.Typer(no_args_is_help=True, help="Measure the assistant on labelled questions.")


@app.callback()
def group() -> None:
    """Measure the assistant on labelled questions."""


@app.command()
def run(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="FILE.jsonl|FOLDER", help="Grounded questions, or a retrieval folder.")
    ],
    collection: CollectionNames = None,
    compare: Annotated[
        list[str] | None, typer.Option(help="Another route to measure beside; may be given several times.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N questions.")] = None,
    rows: Annotated[Path | None, typer.Option(help="Write one JSON line per question here.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Print scores with intervals: token F1, exact match, citations, abstentions, or nDCG@10 and recall@10."""
    settings = settings_of(context)
    # A process of its own: it loads search, embeddings and semantic-kernel, which no other command should wait for.
    command = [sys.executable, "-m", "assistant.evaluation", "--data-dir", str(settings.data_dir), str(source)]
    command += [part for name in collection or [] for part in ("--collection", name)]
    command += [part for name in compare or [] for part in ("--compare", name)]
    command += ["--limit", str(limit)] if limit else []
    command += ["--rows", str(rows)] if rows else []
    command += ["--json"] if as_json else []
    raise typer.Exit(subprocess.run(command).returncode)
