"""`assistant up|serve|worker|engine|ui`: the processes, all together or one by one."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from assistant.cli.options import settings_of
from assistant.cli.output import Failed
from assistant.server_file import running_server
from assistant.settings import Settings

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the API.")]


def up(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    ui_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the pages.")] = None,
) -> None:
    """Start everything and keep it running; Ctrl-C ends all of it."""
    settings = settings_of(context)
    address, number = host or settings.host, port or settings.port
    if running := running_server(settings.data_dir):
        raise Failed(f"The assistant already runs on {settings.data_dir} at {running}.")
    # The supervisor takes the place of this process: what commands import takes 40 MB that it would hold for nothing.
    addresses = ["--host", address, "--port", str(number), "--ui-port", str(ui_port or settings.ui_port)]
    _become(settings, "assistant.supervise", *addresses)


def serve(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Run the API alone."""
    options = [*(("--host", host) if host else ()), *(("--port", str(port)) if port else ())]
    _become(settings_of(context), "assistant.serve", *options)


def worker(context: typer.Context) -> None:
    """Run the ingestion worker alone."""
    _become(settings_of(context), "assistant.work")


def engine(
    context: typer.Context, port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8200
) -> None:
    """Run the local model alone, for programs of this machine that speak OpenAI's protocol."""
    _become(settings_of(context), "assistant.engine", "--port", str(port))


def ui(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Run the pages alone, in front of the API that the settings name."""
    settings = settings_of(context)
    arguments = ["--api", f"http://{settings.host}:{settings.port}", "--host", host or settings.host]
    os.execv(sys.executable, [sys.executable, "-m", "ui", *arguments, "--port", str(port or settings.ui_port)])


def _become(settings: Settings, module: str, *options: str) -> None:
    os.execv(sys.executable, [sys.executable, "-m", module, "--data-dir", str(settings.data_dir), *options])
