"""A little site on loopback that plays the public internet, and a canary that must never be reached."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpcore
import pytest

from egress.client import Received, download
from egress.dial import dial_by_system
from egress.policy import Policy

PUBLIC = "93.184.216.34"  # the address under which the little site plays a public host

Answer = bytes | Callable[[socket.socket], None]


class Listener:
    """A TCP server on 127.0.0.1 that hands every connection to `serve` in a thread."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._serve(connection)
            except OSError:
                return  # the client hung up, as it may

    def close(self) -> None:
        self._socket.close()


@dataclass
class Site:
    """Answers by path, remembers the requests, and is reached only through `get`."""

    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    dialled: list[str] = field(default_factory=list)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    port: int = 0

    def serve(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            piece = connection.recv(65536)
            if not piece:
                return
            request += piece
        self.requests.append(request.decode("latin-1"))
        answer = self.answers.get(request.split()[1].decode(), page(b"<p>found</p>"))
        if callable(answer):
            answer(connection)
        else:
            connection.sendall(answer)

    def resolve(self, host: str, port: int) -> list[str]:
        return self.addresses.get(host, [PUBLIC])

    def dial(self, address: str, port: int, seconds: float) -> httpcore.NetworkStream:
        self.dialled.append(address)
        if address == PUBLIC or not address.startswith(("127.", "::1", "0.")):
            return dial_by_system("127.0.0.1", self.port, seconds)
        return dial_by_system(address, port, seconds)

    def get(self, url: str, max_bytes: int = 1_000_000, timeout_s: float = 5.0, policy: Policy | None = None) -> bytes:
        pieces: list[bytes] = []
        self.download(url, pieces.append, max_bytes, timeout_s, policy)
        return b"".join(pieces)

    def download(
        self,
        url: str,
        write: Callable[[bytes], object],
        max_bytes: int = 1_000_000,
        timeout_s: float = 5.0,
        policy: Policy | None = None,
    ) -> Received:
        return download(url, write, max_bytes, timeout_s, policy or Policy(), self.resolve, self.dial)


def page(body: bytes, headers: str = "Content-Type: text/html; charset=utf-8") -> bytes:
    """Return a whole HTTP answer with `body`."""
    return f"HTTP/1.1 200 OK\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    listener = Listener(site.serve)
    site.port = listener.port
    yield site
    listener.close()


@pytest.fixture
def canary() -> Iterator[Listener]:
    listener = Listener(lambda connection: connection.sendall(page(b"secret")))
    yield listener
    listener.close()
