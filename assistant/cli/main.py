"""The `assistant` command: its options, its sub-commands, and how failures become one sentence and an exit status.

Exit status 0 is done, 1 is failed, 2 is wrong usage.
"""

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


class _Commands(TyperGroup):
    """The processes, and all other commands as soon as one of them is meant: `assistant up` need not wait for them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        self._complete()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # of a click that typer keeps private
        """Return the command of that name; None: there is none."""
        if cmd_name not in self.commands:
            self._complete()
        return super().get_command(ctx, cmd_name)

    def _complete(self) -> None:
        others = typer.main.get_command(importlib.import_module("assistant.cli.commands").app)
        assert isinstance(others, TyperGroup)
        self.commands = {**self.commands, **others.commands}


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)

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
