"""Bounded bodies: not larger than the route allows, and not slower than an honest client sends.

Pure ASGI, around everything: what a route does not read is never held in memory.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.api import errors
from assistant.settings import ApiSettings

_KEY = "assistant.body"


class BodyLimit:
    """Middleware that holds every request's body to size and pace."""

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        """Wrap `app` with the limits of `settings`."""
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = Body(self._settings, _announced(scope), receive, self._settings.max_json_bytes, time.monotonic())
        scope[_KEY] = body
        await self._app(scope, body.receive, send)


@dataclass(slots=True)
class Body:
    """The body of one request as it arrives. Limits hold from the first time that it is asked for."""

    settings: ApiSettings
    announced: int | None  # Content-Length
    source: Receive
    max_bytes: int
    started: float  # monotonic seconds
    max_s: float | None = None
    received: int = 0
    complete: bool = False
    window_from: float = 0.0
    window_bytes: int = 0

    async def receive(self) -> Message:
        """Return the next ASGI message; raises the refusal of a body that is too large or too slow."""
        if self.complete:
            return await self.source()
        if self.announced is not None and self.announced > self.max_bytes:
            raise errors.too_large(self.max_bytes)
        try:
            async with asyncio.timeout(self._patience()):
                message = await self.source()
        except TimeoutError:
            raise errors.too_slow() from None
        if message["type"] == "http.request":
            self._count(len(message.get("body", b"")))
            self.complete = not message.get("more_body", False)
        return message

    def _patience(self) -> float:
        """Return how many seconds the next piece may take."""
        moment = time.monotonic()
        self.window_from = self.window_from or moment
        within = [self.window_from + self.settings.body_idle_timeout_s - moment]
        longest = self.settings.body_timeout_s if self.max_s is None else self.max_s
        within.append(self.started + longest - moment)
        return max(0.0, min(within))

    def _count(self, size: int) -> None:
        self.received += size
        if self.received > self.max_bytes:
            raise errors.too_large(self.max_bytes)
        self.window_bytes += size
        if self.window_bytes >= self.settings.body_min_bytes:
            self.window_bytes, self.window_from = 0, time.monotonic()


def allow(scope: Scope, max_bytes: int, max_s: float) -> None:
    """Let this request's body be as large as `max_bytes` and take `max_s` seconds; for uploads, before reading."""
    body: Body = scope[_KEY]
    body.max_bytes, body.max_s = max_bytes, max_s


def allow_to_begin(scope: Scope) -> bool:
    """Return whether this request announced more bytes than it may have; then its beginning may be read all the same.

    What is read is counted as ever. For uploads, which take the first file's name from there.
    """
    body: Body = scope[_KEY]
    too_large = body.announced is not None and body.announced > body.max_bytes
    if too_large:
        body.announced = None
    return too_large


def _announced(scope: Scope) -> int | None:
    given = Headers(scope=scope).get("content-length")
    return int(given) if given is not None and given.isascii() and given.isdigit() else None
