"""The server itself: the application behind its routes on a socket, and what it leaves for commands to find."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from assistant.api.app import create
from assistant.api.server import server
from assistant.app import App
from assistant.build import build
from assistant.models.engines import LocalEngines
from assistant.people.setup_link import issue
from assistant.secret_file import write_private
from assistant.server_file import announced
from assistant.settings import Settings


def run(settings: Settings, engines: LocalEngines | None, listener: socket.socket) -> None:
    """Serve on `listener` until told to stop. Raises AssistantError when the program must not start like this."""
    settings = listening(settings, listener)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}"
    app = build(settings, engines)
    with setup_link(app), announced(settings.data_dir, url):
        server(create(app), settings.api).run(sockets=[listener])


def listening(settings: Settings, listener: socket.socket) -> Settings:
    """Return the settings with the address that is really listened on, so that nothing tells another one."""
    host, port = listener.getsockname()[:2]
    return settings.model_copy(update={"host": host, "port": port})


@contextmanager
def setup_link(app: App) -> Iterator[None]:
    """Leave a fresh setup token for `assistant up` to print while nobody has an account; only the owner can read it."""
    path = app.settings.data_dir / "run" / "setup-token"
    token = issue(app.engine, app.secrets, app.settings.people.setup_link_hours)
    if token:
        write_private(path, token)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
