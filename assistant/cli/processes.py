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
    supervisor.run(_Announcement(settings, page))


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


class _Announcement:
    """Prints where the page is as soon as it opens, and then when the language model answers."""

    def __init__(self, settings: Settings, page: str) -> None:
        self._settings, self._page = settings, page
        self._client = httpx.Client(timeout=2.0, trust_env=False, follow_redirects=True)  # a new one costs 40 ms
        self._opened = False

    def __call__(self) -> bool:
        """Look, print what is new; True when there will be nothing more to say."""
        url = running_server(self._settings.data_dir)
        if url is None or not self._answers(f"{url}/livez"):
            return False
        if not self._opened and self._answers(self._page):
            self._open(url)
        if not self._opened or not self._answers(f"{url}/readyz"):
            return False
        out.print("  The language model answers now.", highlight=False)
        return True

    def _open(self, url: str) -> None:
        self._opened = True
        out.print(f"\n  Inhouse is open:  {self._page}\n", style="bold", highlight=False)
        token = _setup_token(self._settings.data_dir)
        if token:
            out.print("  First time here? This link makes you the administrator, once:", highlight=False)
            out.print(f"  {self._page}/?setup={token}\n", highlight=False, soft_wrap=True)
        out.print(f"  API: {url}/v1", style="dim", soft_wrap=True)
        out.print(f"  Documents, records and logs: {self._settings.data_dir}", style="dim", soft_wrap=True)
        out.print("  Ctrl-C ends everything.", style="dim")
        out.print("  The language model is being made ready; until then answers quote passages.", style="dim")

    def _answers(self, url: str) -> bool:
        try:
            return self._client.get(url).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def _setup_token(data_dir: Path) -> str | None:
    try:
        return (data_dir / "run" / "setup-token").read_text("utf-8").strip()
    except OSError:
        return None
