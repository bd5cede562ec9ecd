"""Nobody goes out on their own: who speaks HTTP speaks to addresses from the site's settings, or to our own server."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("assistant", "ingest", "knowledge", "skills", "ui")
CLIENTS = {
    "httpx", "httpx2", "httpcore", "httpcore2", "requests", "aiohttp", "urllib3", "urllib.request", "http.client",
    "ftplib", "smtplib", "websocket", "websockets", "pycurl", "socks", "paramiko",
}  # fmt: skip
# Where a client may be imported, because no address there comes from a person, a document or another machine.
ALLOWED = {
    "assistant/cli/": "the server on this data folder",
    "assistant/announcement.py": "our own API and page, on this machine",
    "assistant/evaluation/remote.py": "the server on this data folder",
    "assistant/models/": "model servers from the settings, and the engine on loopback",
    "assistant/widgets/outbox.py": "the mail server from the settings",
    "knowledge/embed.py": "the embedding server from the settings",
    "ui/": "our own API",
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("package", PACKAGES)
def test_it_finds_no_other_way_out(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(tuple(ALLOWED))
        for name in imports(path)
        if name in CLIENTS or name.split(".")[0] in CLIENTS
    ]
    assert wrong == [], "fetch through `egress`, or say in ALLOWED where the address comes from"
