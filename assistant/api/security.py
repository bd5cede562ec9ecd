"""Around every request: known hosts only, an id for the log, headers that keep browsers from helping attackers.

There is no CORS middleware on purpose: no foreign page gets to read an answer. Sign-in uses bearer tokens and no
cookies, so a foreign page cannot act as the user either.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.api import errors
from assistant.api.metrics import Metrics
from assistant.logs import log

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(:[0-9]{1,5})?", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_log = log("api")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; form-action 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


class KnownHosts:
    """Middleware that refuses requests under names that are not ours (DNS rebinding, confused proxies)."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """Wrap `app`; `hosts` are in lower case and without port."""
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and not self._is_known(scope):
            detail = "This server does not answer under that host name; ASSISTANT_ALLOWED_HOSTS lists the names."
            await errors.answer(scope["path"], 400, "unknown-host", detail)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        given = Headers(scope=scope).getlist("host")
        found = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        return found is not None and found[1].strip("[]").lower() in self._hosts


class Observed:
    """Middleware that gives each request an id, safe headers, a log line and a place in the metrics."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap `app`, counting in `metrics`."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._request_id(scope)
        started: float = time.monotonic()
        status: int | None = None
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a request: one bug must not end the process
            await self._answer_bug(error, scope, receive, send_safely, started=status is not None)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            elapsed_s = time.monotonic() - started
            self._metrics.request(route, scope["method"], status or 499, elapsed_s)  # 499: the client left first
            # The route's pattern, not the address: that one may hold ids, or anything at all.
            _log.info("request", route=route, method=scope["method"], status=status, ms=round(elapsed_s * 1000, 1))

    async def _answer_bug(self, error: Exception, scope: Scope, receive: Receive, send: Send, started: bool) -> None:
        _log.error("a request failed", error=type(error).__name__, exc_info=error)
        if started:
            raise error  # the server closes the connection, which tells the client that something is missing
        await errors.internal(scope["path"])(scope, receive, send)

    def _request_id(self, scope: Scope) -> str:
        given = Headers(scope=scope).get("x-request-id", "")
        return given if _REQUEST_ID.fullmatch(given) else uuid4().hex
