"""uvicorn with the timers that it lacks: for headers that never end, and for readers who take nothing.

uvicorn closes idle connections between requests; a client that sends a header byte every ten seconds, or stops reading
an answer, would otherwise hold a connection for minutes.
"""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from assistant.settings import ApiSettings

_LOOK_EVERY_S = 1.0


def config(api: ASGIApp, limits: ApiSettings) -> Config:
    """Return how uvicorn serves `api`: our protocol, no lines of its own per request, no proxy headers believed."""
    return Config(
        api,
        http=_protocol(limits),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
        lifespan="on",
        backlog=1024,
    )


def server(api: ASGIApp, limits: ApiSettings) -> uvicorn.Server:
    """Return a server that is ready to `run(sockets=[...])`."""
    return uvicorn.Server(config(api, limits))


def _protocol(limits: ApiSettings) -> type[HttpToolsProtocol]:
    """Return uvicorn's protocol class with `limits` built in; uvicorn makes one object of it per connection."""

    class Watched(_Watched):
        LIMITS = limits

    return Watched


class _Watched(HttpToolsProtocol):
    """One connection that is looked at once a second."""

    LIMITS: ApiSettings

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._look: asyncio.TimerHandle | None = None
        self._head_since: float | None = (
            None  # when the first byte of a request's head could come; None: it is complete
        )
        self._head_bytes = 0
        self._unsent = 0
        self._unsent_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to watch, or turn away one connection too many."""
        super().connection_made(transport)
        if len(self.connections) > self.LIMITS.max_connections:
            transport.abort()
            return
        self._head_since = self.loop.time()
        self._look = self.loop.call_later(_LOOK_EVERY_S, self._watch)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hold the head of a request to its size before it is parsed further."""
        if self._head_since is None and self._between_requests():
            self._head_since = self.loop.time()
            self._head_bytes = 0
        if self._head_since is not None:
            self._head_bytes += len(data)
            # A body may come in the same packet; uvicorn takes at most 256 KiB from the socket at once.
            if self._head_bytes > self.LIMITS.max_header_bytes and b"\r\n\r\n" not in data:
                self._refuse(431)
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Stop the clock of the head; refuse one that came in a single large packet."""
        self._head_since = None
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.LIMITS.max_header_bytes:
            self._refuse(431)
            return
        super().on_headers_complete()

    def _between_requests(self) -> bool:
        return self.cycle is None or (self.cycle.response_complete and not self.cycle.more_body)

    def _watch(self) -> None:
        moment = self.loop.time()
        if self._head_since is not None and moment - self._head_since > self.LIMITS.header_timeout_s:
            self._refuse(408)
            return
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent < self._unsent or self._unsent_since is None:
            self._unsent_since = moment
        elif moment - self._unsent_since > self.LIMITS.send_timeout_s:
            self.transport.abort()
            return
        self._unsent = unsent
        self._look = self.loop.call_later(_LOOK_EVERY_S, self._watch)

    def _refuse(self, status: int) -> None:
        """Say why, if anybody listens, and close."""
        if not self.transport.is_closing():
            phrase = {408: b"408 Request Timeout", 431: b"431 Request Header Fields Too Large"}[status]
            self.transport.write(b"HTTP/1.1 " + phrase + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()
