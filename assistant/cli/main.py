"""The `assistant` command: its options, its sub-commands, and how failures become one sentence and an exit status.

Exit status 0 is done, 1 is failed, 2 is wrong usage.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from assistant.adaptation import commands as adapt
from assistant.cli import (
    ask,
    backup,
    chats,
    curated,
    doctor,
    evals,
    gallery,
    ingest,
    manage,
    memory,
    models,
    processes,
    prompts,
    transcribe,
    widgets,
)
from assistant.cli import skills as skills_commands
from assistant.cli.output import Failed, err
from assistant.errors import AssistantError
from assistant.settings import load

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

app.command()(processes.up)
app.command()(processes.serve)
app.command()(processes.worker)
app.command()(processes.ui)
app.command()(ingest.ingest)
app.command()(ask.search)
app.command()(ask.ask)
app.command()(transcribe.transcribe)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(doctor.doctor)
app.add_typer(evals.app, name="eval")
app.add_typer(adapt.app, name="adapt")
app.add_typer(skills_commands.app, name="skills")
app.add_typer(prompts.app, name="prompts")
app.add_typer(memory.app, name="memory")
app.add_typer(models.app, name="models")
app.add_typer(curated.app, name="curated")
app.add_typer(gallery.app, name="gallery")
app.add_typer(manage.users, name="users")
app.add_typer(manage.groups, name="groups")
app.add_typer(manage.keys, name="keys")
app.add_typer(manage.collections, name="collections")
app.add_typer(manage.documents, name="documents")
app.add_typer(chats.app, name="chats")
app.add_typer(widgets.app, name="widgets")


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    data_dir: Annotated[Path | None, typer.Option(help="The data folder; default ./var or ASSISTANT_DATA_DIR.")] = None,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Inhouse: a chat assistant on your own machines, with checked citations."""
    if show_version:
        typer.echo(version("inhouse-assistant"))
        raise typer.Exit
    context.obj = load(data_dir=data_dir)


def main() -> None:
    """Run the command line; every expected failure is one sentence on stderr and exit status 1."""
    try:
        app()
    except (Failed, AssistantError) as error:
        err.print(str(error), style="red", markup=False, highlight=False)
        sys.exit(1)
