"""Errors of a client's POSTs, told to somebody who does not make the requests themselves.

The SDK of MCP notes such an error in a log, and leaves whoever asked to wait for an answer that cannot come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx

from egress.errors import EgressError, TooSlow, Unreachable

_BREAKS = (EgressError, httpx.TransportError)


class Watch:
    """Ends a connection with the first error of a POST, or of its answer.

    Streams that a server pushes on (GET) are left to who opened them, and opens them again.
    """

    def __init__(self) -> None:
        """Nothing is broken yet. Needs a running event loop."""
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def around(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """Return a transport whose errors end what is inside of `ending`."""
        return _Watched(transport, self)

    def note(self, error: Exception) -> None:
        """End what is inside of `ending` with `error`, unless an earlier one does."""
        if isinstance(error, httpx.TransportError):
            told = TooSlow if isinstance(error, httpx.TimeoutException) else Unreachable
            error = told(str(error) or type(error).__name__)
        if not self._broken.done():
            self._broken.set_exception(error)

    @asynccontextmanager
    async def ending(self) -> AsyncIterator[None]:
        """End the block with the first error that is noted, an EgressError in a group."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._raised)
            yield
            group.cancel_scope.cancel()

    async def _raised(self) -> None:
        await self._broken


class _Watched(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return await self._inner.handle_async_request(request)
        try:
            response = await self._inner.handle_async_request(request)
        except _BREAKS as error:
            self._watch.note(error)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        stream = _WatchedBody(response.stream, self._watch)
        return httpx.Response(response.status_code, headers=response.headers, stream=stream)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _WatchedBody(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._inner:
                yield piece
        except _BREAKS as error:
            self._watch.note(error)
            raise

    async def aclose(self) -> None:
        await self._inner.aclose()
