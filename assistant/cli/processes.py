"""`assistant up|serve|worker|ui`: the processes, all together or one by one."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import httpx
import typer

from assistant.cli.options import settings_of
from assistant.cli.output import Failed, out
from assistant.cli.session import running_server
from assistant.settings import Settings
from assistant.up import Supervisor, children

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
    page = f"http://{address}:{ui_port or settings.ui_port}"
    if running := running_server(settings.data_dir):
        raise Failed(f"The assistant already runs on {settings.data_dir} at {running}.")
    processes = children(settings.data_dir, address, number, address, ui_port or settings.ui_port)
    supervisor = Supervisor(processes, say=lambda text: out.print(text, markup=False, highlight=False))
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: supervisor.stopping.set())
    out.print("Starting ...", style="dim")
    supervisor.run(lambda: _announce(settings, page))


def serve(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Run the API alone."""
    options = [*(("--host", host) if host else ()), *(("--port", str(port)) if port else ())]
    _become(settings_of(context), "assistant.serve", *options)


def worker(context: typer.Context) -> None:
    """Run the ingestion worker alone."""
    _become(settings_of(context), "assistant.work")


def ui(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Run the pages alone, in front of the API that the settings name."""
    settings = settings_of(context)
    arguments = ["--api", f"http://{settings.host}:{settings.port}", "--host", host or settings.host]
    os.execv(sys.executable, [sys.executable, "-m", "ui", *arguments, "--port", str(port or settings.ui_port)])


def _become(settings: Settings, module: str, *options: str) -> None:
    os.execv(sys.executable, [sys.executable, "-m", module, "--data-dir", str(settings.data_dir), *options])


def _announce(settings: Settings, page: str) -> bool:
    """Print where the page is once API and pages answer; True when done."""
    url = running_server(settings.data_dir)
    if url is None or not _answers(f"{url}/readyz") or not _answers(page):
        return False
    out.print(f"\n  Inhouse is ready:  {page}\n", style="bold", highlight=False)
    token = _setup_token(settings.data_dir)
    if token:
        out.print("  First time here? This link makes you the administrator, once:", highlight=False)
        out.print(f"  {page}/?setup={token}\n", highlight=False, soft_wrap=True)
    out.print(
        f"  API: {url}/v1   Documents, records and logs: {settings.data_dir}   Ctrl-C ends everything.", style="dim"
    )
    return True


def _setup_token(data_dir: Path) -> str | None:
    try:
        return (data_dir / "run" / "setup-token").read_text("utf-8").strip()
    except OSError:
        return None


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, follow_redirects=True).status_code == 200
    except httpx.TransportError:
        return False
