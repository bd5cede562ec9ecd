"""An OpenAI-compatible server without a model: the same tokens every time, at a given rate, with faults on demand.

    python -m assistant.models.fake_server --port 9000 --tokens 500 --rate 100
    curl -X PUT localhost:9000/fault -d '{"kind": "die", "after": 40, "times": 1}'

It speaks HTTP by hand on raw connections, because what it has to do (resets, half-written chunks, silence) is what
HTTP libraries prevent, and because 200 streams must cost next to nothing beside what is being measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import struct
import sys
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from assistant.models.fake_script import FakeReply, Fault, Script, count_tokens

MAX_BODY_BYTES = 4_000_000


class FakeServer:
    """The server; `script` may be changed while it runs."""

    def __init__(self, script: Script) -> None:
        """Nothing is opened yet."""
        self.script = script
        self.port = 0
        self.connections = 0  # so far
        self.open_streams = 0
        self.begun = 0  # chats so far
        self.aborted = 0  # chats that the client left
        self.bodies: deque[dict[str, Any]] = deque(maxlen=100)  # of the last chats
        self._tokens = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Return the base URL for clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def open(self, port: int = 0) -> None:
        """Listen on loopback; 0 picks a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening; connections that are open end with their clients."""
        if self._server:
            self._server.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeServer]:
        """Be open inside the block."""
        await self.open()
        try:
            yield self
        finally:
            await self.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # the client left, or does not speak HTTP
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        length = int(headers.get("content-length", "0"))
        if length > MAX_BODY_BYTES:
            raise ValueError("too large")
        body = json.loads(await reader.readexactly(length)) if length else {}
        if self.script.key and headers.get("authorization") != f"Bearer {self.script.key}":
            return await _json(writer, 401, {"error": {"message": "The key is missing or wrong."}})
        if (method, path) == ("POST", "/v1/chat/completions"):
            return await self._chat(reader, writer, body)
        return await _json(writer, *self._small(method, path, body))

    def _small(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if (method, path) == ("GET", "/health"):
            work = {"jobs": self.open_streams, "tokens": self._tokens, "begun": self.begun}
            tasks = Counter(str(asked.get("task", "other")) for asked in self.bodies) if self.script.speculate else {}
            guesses = [{"task": task, "on": None, "answers": count} for task, count in tasks.items()]
            return 200, {"status": "ok", **work, "guesses": guesses}
        if (method, path) == ("GET", "/v1/models"):
            return 200, {"object": "list", "data": [{"id": self.script.name, "object": "model"}]}
        if (method, path) == ("POST", "/tokenize"):
            return 200, {"count": count_tokens(body)}
        if (method, path) == ("PUT", "/fault"):
            self.script.faults.append(Fault(**body))
            return 200, {}
        if (method, path) == ("DELETE", "/fault"):
            self.script.faults.clear()
            return 200, {}
        return 404, {"error": {"message": f"There is no {method} {path}."}}

    async def _chat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: dict[str, Any]) -> bool:
        self.begun += 1
        self.bodies.append(body)
        fault = self.script.next_fault()
        if fault.kind == "refuse":
            return False
        if fault.kind == "status":
            error = {"error": {"message": HTTPStatus(fault.status).phrase, "code": fault.code}}
            return await _json(writer, fault.status, error, "Retry-After: 1\r\n")
        if (used := count_tokens(body)) >= self.script.context_tokens:
            message = f"The prompt has {used} tokens, more than {self.script.context_tokens}."
            return await _json(writer, 400, {"error": {"message": message, "code": "context_length_exceeded"}})
        words, calls = self.script.reply(body)
        chat = FakeReply(self.script.name, body, words, used, calls)
        if not body.get("stream"):
            self._tokens += len(chat.words)
            return await _json(writer, 200, chat.whole())
        self.open_streams += 1
        # A client that goes away is noticed by reading, even while nothing is being written.
        gone = asyncio.create_task(reader.read(1))
        sending = asyncio.create_task(self._stream(writer, chat, fault))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
            self.aborted += not sending.done()
            return False
        finally:
            self.open_streams -= 1
            for task in (gone, sending):
                task.cancel()
            await asyncio.wait({gone, sending})

    async def _stream(self, writer: asyncio.StreamWriter, chat: FakeReply, fault: Fault) -> None:
        """Write the reply, after which the connection is closed."""
        if fault.kind == "zombie":
            await asyncio.Event().wait()
        writer.write(_STREAM_HEAD)
        if fault.kind == "slow_start":
            await asyncio.sleep(fault.seconds)
        loop = asyncio.get_running_loop()
        started = loop.time()
        for n, word in enumerate(chat.words):
            if fault.after == n and fault.kind in ("die", "reset", "stall", "malformed"):
                await writer.drain()
                if fault.kind == "malformed":
                    writer.write(_chunk(b'data: {"choices": [{"delta": {"content\n\n'))
                elif fault.kind == "stall":
                    await asyncio.Event().wait()
                else:
                    if fault.kind == "reset":
                        _reset(writer)
                    return
            # Against a clock, not by sleeping 1/rate each time, so that a busy moment is made up for.
            if self.script.rate and (wait_s := started + n / self.script.rate - loop.time()) > 0:
                await asyncio.sleep(wait_s)
            self._tokens += 1
            writer.write(_chunk(chat.event(word)))
            if writer.transport.get_write_buffer_size() > 65_536 or not self.script.rate:
                await writer.drain()
        if fault.kind != "no_done":
            writer.write(_chunk(chat.end()) + b"0\r\n\r\n")
        await writer.drain()


_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
)  # fmt: skip


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    # Lingering for 0 seconds makes closing send RST instead of FIN.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _json(writer: asyncio.StreamWriter, status: int, payload: dict[str, Any], headers: str = "") -> bool:
    data = json.dumps(payload).encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n{headers}"
    writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    await writer.drain()
    return True


def main(arguments: Sequence[str]) -> None:
    """Serve until killed, or until standard input is closed with --with-parent."""
    parser = argparse.ArgumentParser(prog="python -m assistant.models.fake_server", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", default="fake")
    parser.add_argument("--tokens", type=int, default=60)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--key-file", type=Path)
    parser.add_argument("--speculate", type=int, default=0)
    parser.add_argument("--with-parent", action="store_true")
    options, _ = parser.parse_known_args(arguments)  # those of the real engine are of no use here
    key = options.key_file.read_text("utf-8").strip() if options.key_file else ""
    script = Script(options.name, tokens=options.tokens, rate=options.rate, key=key, speculate=options.speculate)
    server = FakeServer(script)
    if options.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_forever(server, options.port))


async def _forever(server: FakeServer, port: int) -> None:
    await server.open(port)
    await asyncio.Event().wait()


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
