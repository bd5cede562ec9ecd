"""The `assistant` command: its options, its sub-commands, and how failures become one sentence and an exit status."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from assistant.cli import processes
from assistant.cli.output import Failed, err
from assistant.errors import AssistantError
from assistant.settings import load

# Where each command but the processes is: imported when it is meant, since a few import more than most of them need.
_PLACES = {
    "ingest": "assistant.cli.ingest:ingest",
    "search": "assistant.cli.ask:search",
    "ask": "assistant.cli.ask:ask",
    "transcribe": "assistant.cli.transcribe:transcribe",
    "backup": "assistant.cli.backup:backup",
    "restore": "assistant.cli.backup:restore",
    "doctor": "assistant.cli.doctor:doctor",
    "eval": "assistant.cli.evals:app",
    "adapt": "assistant.adaptation.commands:app",
    "skills": "assistant.cli.skills:app",
    "prompts": "assistant.cli.prompts:app",
    "memory": "assistant.cli.memory:app",
    "models": "assistant.cli.models:app",
    "curated": "assistant.cli.curated:app",
    "feedback": "assistant.cli.feedback:app",
    "gallery": "assistant.cli.gallery:app",
    "users": "assistant.cli.manage:users",
    "groups": "assistant.cli.manage:groups",
    "keys": "assistant.cli.manage:keys",
    "collections": "assistant.cli.manage:collections",
    "documents": "assistant.cli.manage:documents",
    "chats": "assistant.cli.chats:app",
    "widgets": "assistant.cli.widgets:app",
}


class _Commands(TyperGroup):
    """All commands, each made when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*(name for name in self.commands if name not in _PLACES), *_PLACES]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # of a click that typer keeps private
        """Return the command of that name; None: there is none."""
        if cmd_name in _PLACES and cmd_name not in self.commands:
            self.commands[cmd_name] = _made(cmd_name)
        return super().get_command(ctx, cmd_name)


def _made(name: str) -> Any:
    module, _, attribute = _PLACES[name].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    holder = typer.Typer()
    holder.callback()(lambda: None)  # or a lone command would take its group's place
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return typer.main.get_group(holder).commands[name]


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

app.command()(processes.up)
app.command()(processes.serve)
app.command()(processes.worker)
app.command()(processes.engine)
app.command()(processes.ui)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    data_dir: Annotated[Path | None, typer.Option(help="The data folder; default ./var or ASSISTANT_DATA_DIR.")] = None,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Inhouse: a chat assistant on your own machines, with checked citations.

    Exit status 0 is done, 1 is failed, 2 is wrong usage.
    """
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
