"""The API server as a process: python -m assistant.serve --data-dir DIR [--host H] [--port P]; 0 picks a free port."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.api.app import create
from assistant.api.server import server
from assistant.app import App
from assistant.build import build
from assistant.errors import AssistantError
from assistant.logs import configure
from assistant.people.setup_link import issue
from assistant.secret_file import write_private
from assistant.settings import Settings, load


class FolderInUse(AssistantError):
    """Another server owns the data folder."""


@contextmanager
def owned(data_dir: Path) -> Iterator[None]:
    """Hold the data folder's server lock; raises FolderInUse when another process has it."""
    run = data_dir / "run"
    run.mkdir(parents=True, exist_ok=True)
    with (run / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUse(
                f"Another assistant already runs on {data_dir}. Stop it, or choose another folder with --data-dir."
            ) from error
        yield


@contextmanager
def announced(settings: Settings, url: str) -> Iterator[None]:
    """Tell commands on this machine where the server is, for as long as it runs; the file holds no secret."""
    path = settings.data_dir / "run" / "server.json"
    path.write_text(json.dumps({"url": url, "pid": os.getpid(), "started_at": time.time()}), "utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


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


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that the port is known before anything else starts.

    Raises AssistantError when the port is taken or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise AssistantError(
            f"Cannot listen on {host}:{port} ({error.strerror}). Choose another with --port."
        ) from error
    return listener


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="assistant serve", description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--host", default=None)
    parser.add_argument("--port", type=int, default=None)
    given = parser.parse_args(arguments)
    try:
        settings = load(data_dir=given.data_dir)
        configure(settings.log_level)
        host = given.host or settings.host
        with owned(settings.data_dir):
            listener = bind(host, settings.port if given.port is None else given.port)
            url = f"http://{host}:{listener.getsockname()[1]}"
            app = build(settings)
            with setup_link(app), announced(settings, url):
                server(create(app), settings.api).run(sockets=[listener])
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
