"""What tests of skills share: people, a real HTTP API on loopback, a registry with its state in a temporary folder."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from egress.policy import Policy
from skills.guards import CallLimits
from skills.http import GuardedHttp
from skills.registry import Registry
from skills.secrets import Secrets
from skills.settings import SkillsSettings
from skills.sources import Parts
from skills.state import StateFile
from skills.types import Person
from skills.wrap import AuditLine

ANNA = Person("anna", frozenset({"everyone", "user:anna", "group:sales"}))
BOB = Person("bob", frozenset({"everyone", "user:bob"}))
OPENAPI = Path(__file__).parents[3] / "shared" / "data" / "D_tool_calling" / "openapi"


@dataclass
class Asked:
    """A request as the API saw it."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Api:
    """A real HTTP server that notes requests and answers what a test tells it to."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], tuple[int, str, bytes]] = lambda asked: (
        200,
        "application/json",
        json.dumps({"path": asked.path, "query": asked.query, "body": asked.body.decode()}).encode(),
    )


@pytest.fixture
def api() -> Iterator[Api]:
    """A real HTTP API on loopback."""

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            asked = Asked(self.command, parts.path, parse_qsl(parts.query), dict(self.headers), body)
            found.asked.append(asked)
            status, media_type, content = found.answer(asked)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", media_type)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _any

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    found = Api(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def local() -> GuardedHttp:
    """The real guarded HTTP, to which this machine was allowed."""
    return GuardedHttp(Policy.of(["127.0.0.1"]))


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path / "state" / "skills.json")


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "state" / "secrets.json")


@pytest.fixture
def audit() -> list[AuditLine]:
    return []


@pytest.fixture
def registry(state: StateFile, secrets: Secrets, audit: list[AuditLine]) -> Registry:
    return Registry(state, CallLimits(5.0, 8_000, 1_000_000, 10_000), audit.append, secrets.values)


@pytest.fixture
def parts(local: GuardedHttp, state: StateFile, secrets: Secrets) -> Parts:
    return Parts(SkillsSettings(timeout_s=15, connect_timeout_s=60), local, local.policy, secrets, state)


def operation(method: str = "get", path: str = "/things", **more: Any) -> dict[str, Any]:
    """Return an OpenAPI 3 document with one operation."""
    described = {"operationId": "find_things", "summary": "Find things", "responses": {}, **more}
    return {"openapi": "3.0.3", "info": {"title": "Things", "version": "1"}, "paths": {path: {method: described}}}
