"""A transcription server without a model, speaking OpenAI's protocol on loopback: what it hears is prescribed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus
from typing import Any

MAX_BODY_BYTES = 30_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers: JSON, or bytes as they are."""

    status: int = 200
    body: Mapping[str, Any] | bytes = field(default_factory=lambda: {"text": "How much leave do I have?"})
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Sent:
    """A request as it arrived."""

    path: str
    authorization: str
    fields: dict[str, str] = field(default_factory=dict)
    filename: str = ""
    media_type: str = ""
    data: bytes = field(default=b"", repr=False)


class FakeSpeechServer:
    """The server; `reply` and `silent` may be changed while it runs."""

    def __init__(self) -> None:
        """Nothing is opened yet."""
        self.reply = Reply()
        self.silent = False  # takes requests and never answers
        self.requests: list[Sent] = []
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Return the base URL for clients."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def close(self) -> None:
        """Stop listening; again is harmless."""
        if self._server is not None:
            self._server.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeSpeechServer]:
        """Be open inside the block, on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            await self.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(await _sent(head, reader))
            if self.silent:
                await reader.read(1)  # until the client goes
                return
            made = self.reply
            body = made.body if isinstance(made.body, bytes) else json.dumps(made.body).encode()
            lines = [f"HTTP/1.1 {made.status} {HTTPStatus(made.status).phrase}", f"Content-Length: {len(body)}"]
            lines += ["Content-Type: application/json", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in made.headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            writer.close()


async def _sent(head: bytes, reader: asyncio.StreamReader) -> Sent:
    line, _, rest = head.partition(b"\r\n")
    headers = BytesParser(policy=HTTP).parsebytes(rest)
    body = await _body(headers, reader)
    sent = Sent(line.split()[1].decode(), str(headers["authorization"] or ""))
    whole = BytesParser(policy=HTTP).parsebytes(b"Content-Type: %s\r\n\r\n" % headers["content-type"].encode() + body)
    for part in whole.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename():
            sent.filename, sent.media_type, sent.data = str(part.get_filename()), part.get_content_type(), content
        else:
            sent.fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
    return sent


async def _body(headers: EmailMessage, reader: asyncio.StreamReader) -> bytes:
    if headers["transfer-encoding"] != "chunked":
        return await reader.readexactly(min(int(headers["content-length"] or 0), MAX_BODY_BYTES))
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body
