"""`assistant backup` and `assistant restore`."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Annotated

import typer

from assistant import backup as backups
from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, out, show_json
from assistant.server_file import running_server


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write, e.g. inhouse-monday.zip.")],
    as_json: JsonFlag = False,
) -> None:
    """Write everything but secrets into one checksummed file; the assistant may go on running."""
    _report(backups.write(settings_of(context).data_dir, file), "Wrote", as_json)


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `assistant backup` wrote.")],
    as_json: JsonFlag = False,
) -> None:
    """Bring a backup back into an empty data folder; a damaged or changed file is refused whole."""
    settings = settings_of(context)
    if running := running_server(settings.data_dir):
        raise Failed(f"The assistant is running at {running}. Stop it before restoring into {settings.data_dir}.")
    _report(backups.restore(file, settings.data_dir), "Restored", as_json)


def _report(summary: backups.Summary, verb: str, as_json: bool) -> None:
    if as_json:
        show_json({**dataclasses.asdict(summary), "path": str(summary.path)})
        return
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.created_at))
    out.print(
        f"{verb} {summary.path}: {summary.members} files, {summary.size / 1e6:.1f} MB, taken {made}.", highlight=False
    )
