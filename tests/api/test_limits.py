"""A real server against clients that are slow, greedy or broken."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from assistant.settings import Settings, load

from .conftest import World, eventually


@pytest.fixture
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """The product's limits with short times, and what a test sets besides."""
    api = {
        "header_timeout_s": 1.0, "body_idle_timeout_s": 1.0, "body_timeout_s": 3.0, "send_timeout_s": 2.0,
        "max_json_bytes": 50_000, "max_connections": 150, "max_header_bytes": 16_384,
    }  # fmt: skip
    return load(data_dir=tmp_path, api=api | getattr(request, "param", {}))


@pytest.fixture
def port(address: str) -> int:
    return int(address.rsplit(":", 1)[1])


def _connect(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=60)
    made.settimeout(60)
    return made


def _closed_after(sock: socket.socket, started: float) -> float:
    """Seconds from `started` until the server closed the connection."""
    try:
        while sock.recv(65_536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - started


def _sent(sock: socket.socket, data: bytes) -> None:
    """Send what the server may not want to have any more."""
    with contextlib.suppress(ConnectionError):
        sock.sendall(data)


def _status(sock: socket.socket) -> int:
    found = re.match(rb"HTTP/1.1 (\d+)", sock.recv(65_536))
    return int(found[1]) if found else 0


def test_headers_that_never_end_are_cut(port: int) -> None:
    started = time.monotonic()
    loris = [_connect(port) for _ in range(50)]
    for sock in loris[25:]:
        _sent(sock, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
    deadline = time.monotonic() + 0.8
    while time.monotonic() < deadline:
        time.sleep(0.2)
        for sock in loris[25:]:
            _sent(sock, b"X")
    assert max(_closed_after(sock, started) for sock in loris) < 12.0  # of the 15 s of a connection that is kept


def test_a_drip_of_one_byte_does_not_keep_a_connection_alive_between_requests(port: int) -> None:
    sock = _connect(port)
    sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert _status(sock) == 200
    sock.sendall(b"G")
    assert _closed_after(sock, time.monotonic()) < 12.0


def test_a_body_that_never_comes_is_refused_on_every_route(world: World, port: int) -> None:
    token = world.token(world.admin)
    rows = [(route.path, method) for route in world.api.routes for method in route.methods if method != "GET"]  # type: ignore[attr-defined]
    socks = []
    for path, method in rows:
        sock = _connect(port)
        kind = (
            "multipart/form-data; boundary=xx" if path.endswith(("/documents", "/attachments")) else "application/json"
        )
        target = re.sub(r"{\w+}", "x", path)
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        sock.sendall(f"{head}Content-Type: {kind}\r\nContent-Length: 1000\r\n\r\n".encode())
        socks.append(sock)
    assert httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
    for (path, method), sock in zip(rows, socks, strict=True):
        # 403: a widget's route looks at the page's origin before it reads anything.
        assert _status(sock) in (204, 401, 403, 404, 408), (method, path)
        # Closed at once, or by the keep-alive timer of 15 s once the answer is out.
        sock.close()


@pytest.mark.parametrize("path", ["/api/login", "/api/setup", "/v1/chat/completions"])
def test_a_body_that_drips_is_refused_although_it_never_pauses(world: World, port: int, path: str) -> None:
    sock = _connect(port)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.token(world.ben)}\r\n"
    sock.sendall(head.encode() + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    started = time.monotonic()
    try:
        while time.monotonic() - started < 60:
            sock.sendall(b" ")
            time.sleep(0.1)
    except ConnectionError:
        pass
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("settings", [{"body_idle_timeout_s": 5.0, "body_timeout_s": 60.0}], indirect=True)
def test_an_honest_slow_body_arrives(world: World, port: int) -> None:
    """2 KB/s is slow, and more than the least that is asked for; it takes longer than a pause may."""
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 4_000}]}).encode().ljust(12_000)
    sock = _connect(port)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.token(world.ben)}\r\n"
    )
    sock.sendall(head.encode() + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
    for start in range(0, len(body), 400):
        sock.sendall(body[start : start + 400])
        time.sleep(0.2)
    assert _status(sock) == 200


def test_a_large_body_is_refused_from_its_header_at_once(world: World, port: int) -> None:
    sock = _connect(port)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.token(world.ben)}\r\n"
    )
    sock.sendall(head.encode() + b"Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n")
    assert _status(sock) == 413


def test_an_endless_chunked_body_is_refused_at_the_byte(world: World, port: int) -> None:
    sock = _connect(port)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.token(world.ben)}\r\n"
    )
    sock.sendall(head.encode() + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    sent = 0
    try:
        for _ in range(1_000):
            sock.sendall(b"2000\r\n" + b" " * 8_192 + b"\r\n")
            sent += 8_192
    except ConnectionError:
        pass
    assert sent < 5_000_000  # what the sockets buffer, not what the client would like to send


HEADS = [
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
    b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50, b"\x00" * 1_000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /livez HTTP/9.9\r\n\r\n", b"GET\r\n\r\n", b"\r\n" * 1_000,
    b"GET http://evil.example/api/users HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET //evil.example/api/users HTTP/1.1\r\nHost: localhost\r\n\r\n",
]  # fmt: skip


def test_a_broken_head_is_refused_and_the_server_lives(port: int) -> None:
    for head in HEADS:
        sock = _connect(port)
        try:
            sock.sendall(head)
            status = _status(sock)
        except ConnectionError:
            status = 0
        assert status in (0, 400, 401, 404, 408, 411, 413, 431), (head[:60], status)
        assert httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200


def test_a_reader_who_takes_nothing_is_cut_and_harms_nobody(world: World, port: int) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "flood 2000 0.005"}], "stream": True}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.token(world.ben)}\r\n"
    )
    stuck = []
    for _ in range(5):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        sock.connect(("127.0.0.1", port))
        sock.sendall(head.encode() + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        stuck.append(sock)
    with httpx.Client(headers=world.as_(world.eve), timeout=30) as client:
        reply = client.post(
            f"http://127.0.0.1:{port}/v1/chat/completions",
            json={"messages": [{"role": "user", "content": "words 20 0.01"}]},
        )
        assert reply.status_code == 200
    assert len(world.turns.asked) == 6  # the five and Eve's
    assert eventually(lambda: world.turns.running == 0) and world.turns.aborted == 5
    for sock in stuck:
        sock.close()


@pytest.mark.parametrize("settings", [{"header_timeout_s": 60.0}], indirect=True)
def test_a_connection_too_many_is_closed_and_the_others_are_served(port: int) -> None:
    held = [_connect(port) for _ in range(150)]
    extra = _connect(port)
    try:
        extra.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert extra.recv(100) == b""
    except ConnectionError:
        pass
    held[0].sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert _status(held[0]) == 200
    for sock in held:
        sock.close()


def test_honest_requests_are_served_amid_five_hundred_slow_ones(port: int) -> None:
    stop = threading.Event()

    def attack() -> None:
        while not stop.is_set():
            socks = []
            for _ in range(25):
                try:
                    sock = _connect(port)
                    sock.sendall(b"GET /livez HTTP/1.1\r\nHost: loc")
                    socks.append(sock)
                except OSError:
                    pass
            time.sleep(0.3)
            for sock in socks:
                sock.close()

    threads = [threading.Thread(target=attack) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            for _ in range(20):
                assert client.get("/livez").status_code == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_hostile_bodies_do_not_stop_the_event_loop(world: World, port: int) -> None:
    """T34: forms with very many fields, headers and ranges; the loop answers others meanwhile."""
    token = world.token(world.admin)
    lags: list[float] = []
    stop = threading.Event()

    def watch() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            while not stop.wait(0.01):
                lags.append(client.get("/livez").elapsed.total_seconds())

    watcher = threading.Thread(target=watch)
    watcher.start()
    bodies: Iterator[tuple[str, bytes]] = iter(
        [
            ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(5_000))),
            ("application/json", b"[" * 49_000),
            ("application/json", b'{"messages":' * 4_000),
            ("application/json", b'{"a":"' + b"\\u0041" * 8_000 + b'"}'),
            ("application/json", json.dumps({"messages": [{"role": "user", "content": "x"}] * 1_200}).encode()),
            ("application/json", json.dumps({str(n): n for n in range(4_000)}).encode()),
            ("multipart/form-data; boundary=xx", b"--xx\r\n" + b"A: b\r\n" * 8_000),
            ("multipart/form-data; boundary=xx", b"--x" * 16_000),
            ("multipart/form-data; boundary=xx", b"\r\n--x" * 9_000),
        ]
    )
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=20
    ) as client:
        for kind, body in bodies:
            for path in ("/v1/chat/completions", "/api/users", "/api/collections/x/documents"):
                assert client.post(path, content=body, headers={"Content-Type": kind}).status_code < 500
        ranges = ",".join(["0-"] * 2_000)
        assert client.get("/api/documents/x/file", headers={"Range": f"bytes={ranges}"}).status_code == 404
    stop.set()
    watcher.join()
    assert sorted(lags)[int(len(lags) * 0.95)] < 0.5, sorted(lags)[-5:]
