"""Responses that send as long as somebody reads: a streamed answer, and a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import BinaryIO
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from assistant.api.live import BrokenOff
from assistant.threads import in_thread

_BLOCK = 256 * 1024


class Pieces(Response):
    """Sends pieces as they come and stops when the reader is gone."""

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        media_type: str,
        headers: dict[str, str],
        around: AbstractAsyncContextManager[None] | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Keep what to send; `around` is entered while sending, `close` is called at the end whatever happens."""
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self._pieces = pieces
        self._around = around
        self._close = close
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and the pieces."""
        try:
            if self._around is None:
                await self._until_gone(receive, send)
            else:
                async with self._around:
                    await self._until_gone(receive, send)
        finally:
            if self._close is not None:
                await self._close()

    async def _until_gone(self, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        gone = asyncio.create_task(disconnected(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not sending.done():
                sending.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)
        if sending.done() and not sending.cancelled() and (error := sending.exception()) is not None:
            raise error

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except BrokenOff:
            return  # without an end: the server closes the connection, and the reader knows that something is missing
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def disconnected(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def file_response(file: BinaryIO, name: str, size: int) -> Pieces:
    """Return a download that no browser shows in place: always an attachment, never of a type that it would run."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._- ") else "_" for letter in name)
    exact = quote(name[-150:], safe="")
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain[-150:]}\"; filename*=UTF-8''{exact}",
        "Content-Length": str(size),
    }

    async def blocks() -> AsyncIterator[bytes]:
        while block := await in_thread(file.read, _BLOCK):
            yield block

    return Pieces(blocks(), "application/octet-stream", headers, close=lambda: in_thread(file.close))
