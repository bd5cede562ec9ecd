"""The guarded client against a site that redirects, rebinds, drips, bombs and lies."""

from __future__ import annotations

import gzip
import itertools
import socket
import time

import pytest

from egress import AddressRefused, BadAnswer, EgressError, Policy, TooLarge, TooSlow, Unreachable, fetch
from tests.egress.conftest import PUBLIC, Listener, Site, page

INSIDE = [
    "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
    "http://0.0.0.0:{port}/", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://192.168.0.1/",
    "http://172.16.0.1/", "//127.0.0.1:{port}/", "file:///etc/passwd", "unix:///run/x.sock",
]  # fmt: skip
NO_URL = ["http://[", "//[x]/", "http://[::1", "http://]/", "http://[v1.x]/"]
NAMES = {"localhost": ["127.0.0.1"], "inside.example": ["127.0.0.1"], "mixed.example": [PUBLIC, "127.0.0.1"]}


def redirect(status: int, location: str) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(("status", "location"), list(itertools.product([301, 302, 303, 307, 308], INSIDE)))
def test_it_follows_no_redirect_to_the_inside(site: Site, canary: Listener, status: int, location: str) -> None:
    site.addresses |= NAMES
    site.answers["/"] = redirect(status, location.format(port=canary.port))
    with pytest.raises(AddressRefused):
        site.get("http://public.example/")
    assert canary.connections == 0
    assert set(site.dialled) == {PUBLIC}


@pytest.mark.parametrize("location", NO_URL)
def test_it_refuses_a_redirect_to_what_is_no_url(site: Site, location: str) -> None:
    site.answers["/"] = redirect(302, location)
    with pytest.raises(AddressRefused):
        site.get("http://public.example/")


def test_it_follows_no_refresh(site: Site, canary: Listener) -> None:
    inside = f"http://127.0.0.1:{canary.port}/"
    body = f'<meta http-equiv="refresh" content="0;url={inside}">'.encode()
    site.answers["/"] = page(body, f"Content-Type: text/html\r\nRefresh: 0;url={inside}")
    assert site.get("http://public.example/") == body
    assert canary.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "inside.example", "inside.example.", "INSIDE.example", "mixed.example", "0.0.0.0",
        "[::1]", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "2130706433",
        "0x7f000001", "017700000001", "0177.0.0.1", "127.1", "127.0.1", "0", "public.example@127.0.0.1",
        "127.0.0.1\\@public.example", "127.0.0.1%23@public.example", "public.example#@127.0.0.1",
        "127.0.0.1\t", "127.0.0.1\n", "①②⑦.⓪.⓪.①", "127。0。0。1",
    ],
)  # fmt: skip
def test_it_reaches_the_inside_under_no_spelling(site: Site, canary: Listener, host: str) -> None:
    site.addresses |= NAMES
    site.answers["/"] = page(b"outside")
    try:
        body = site.get(f"http://{host}:{canary.port}/" if "#" not in host else f"http://{host}/")
    except EgressError:
        body = b"outside"
    assert body == b"outside"
    assert canary.connections == 0


def test_its_canary_can_be_reached_when_the_guard_is_taken_out(site: Site, canary: Listener) -> None:
    open_policy = Policy.of(["127.0.0.0/8"])
    assert site.get(f"http://127.0.0.1:{canary.port}/", policy=open_policy) == b"secret"
    assert canary.connections == 1


def test_it_gives_rebinding_names_no_second_look(site: Site, canary: Listener) -> None:
    flips = itertools.cycle([[PUBLIC], ["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC]])
    site.resolve = lambda host, port: next(flips)  # type: ignore[method-assign]
    for _ in range(200):
        try:
            assert site.get(f"http://rebind.example:{canary.port}/") == b"<p>found</p>"
        except AddressRefused:
            continue
    assert canary.connections == 0
    assert set(site.dialled) == {PUBLIC}
    assert len(site.requests) == 50


def test_it_reaches_what_the_owner_allows_and_nothing_else(site: Site) -> None:
    site.addresses = {"wiki.corp.example": ["10.1.2.3"], "other.corp.example": ["10.9.9.9"]}
    by_name = Policy.of(["wiki.corp.example"])
    by_network = Policy.of(["10.1.0.0/16"], public=False)
    assert site.get("http://wiki.corp.example/", policy=by_name) == b"<p>found</p>"
    assert site.get("http://wiki.corp.example/", policy=by_network) == b"<p>found</p>"
    for url, policy in (("http://other.corp.example/", by_name), ("http://public.example/", by_network)):
        with pytest.raises(AddressRefused, match="allow list"):
            site.get(url, policy=policy)


def test_it_keeps_the_name_in_the_request_and_sends_no_credentials(site: Site) -> None:
    site.get("http://Public.example:8080/a?b=c#d")
    request = site.requests[0].lower()
    assert request.startswith("get /a?b=c http/1.1\r\n")
    assert "host: public.example:8080\r\n" in request
    assert "cookie" not in request and "authorization" not in request


def test_it_follows_three_redirects_and_not_four(site: Site) -> None:
    for n in range(5):
        site.answers[f"/{n}"] = redirect(302, f"/{n + 1}")
    site.answers["/4"] = page(b"end")
    assert site.get("http://public.example/1") == b"end"
    with pytest.raises(BadAnswer, match="more than 3"):
        site.get("http://public.example/0")


def test_it_names_the_final_url_and_the_media_type(site: Site) -> None:
    site.answers["/"] = redirect(301, "http://www.public.example/end")
    received = site.download("http://public.example/", lambda piece: None)
    assert (received.url, received.media_type, received.size) == ("http://www.public.example/end", "text/html", 12)


@pytest.mark.parametrize("port", [22, 25, 445, 1, 1023])
def test_it_stays_away_from_ports_that_are_not_the_web(site: Site, port: int) -> None:
    with pytest.raises(AddressRefused, match="Port"):
        site.get(f"http://public.example:{port}/")
    assert site.dialled == []


def test_it_stops_at_the_byte_limit_stated_or_not(site: Site) -> None:
    site.answers["/stated"] = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"
    site.answers["/endless"] = endless
    for path in ("/stated", "/endless"):
        with pytest.raises(TooLarge):
            site.get("http://public.example" + path, max_bytes=100_000)


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def test_it_counts_the_bytes_of_a_bomb_while_unpacking(site: Site) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    site.answers["/"] = page(bomb, "Content-Encoding: gzip")
    biggest = 0

    def write(piece: bytes) -> None:
        nonlocal biggest
        biggest = max(biggest, len(piece))

    with pytest.raises(TooLarge):
        site.download("http://public.example/", write, max_bytes=1_000_000)
    assert 0 < biggest <= 64 * 1024


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "compress"])
def test_it_refuses_encodings_that_it_did_not_ask_for(site: Site, encoding: str) -> None:
    site.answers["/"] = page(b"xx", f"Content-Encoding: {encoding}")
    with pytest.raises(BadAnswer, match="not asked for"):
        site.get("http://public.example/")


def test_it_unpacks_gzip(site: Site) -> None:
    site.answers["/"] = page(gzip.compress(b"<p>hello</p>" * 10_000), "Content-Encoding: gzip")
    assert site.get("http://public.example/") == b"<p>hello</p>" * 10_000


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def drip_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-A: b\r\n")
        time.sleep(0.05)


def silence(connection: socket.socket) -> None:
    time.sleep(20)


@pytest.mark.parametrize("serve", [drip, drip_headers, silence])
def test_it_keeps_one_deadline_for_everything(site: Site, serve: object) -> None:
    site.answers["/"] = serve  # type: ignore[assignment]
    started = time.monotonic()
    with pytest.raises(TooSlow):
        site.get("http://public.example/", timeout_s=0.4)
    assert time.monotonic() - started < 15


def test_it_keeps_the_deadline_while_resolving(site: Site) -> None:
    def asleep(host: str, port: int) -> list[str]:
        time.sleep(20)
        return [PUBLIC]

    site.resolve = asleep  # type: ignore[method-assign]
    started = time.monotonic()
    with pytest.raises(TooSlow, match="resolved"):
        site.get("http://slow.example/", timeout_s=0.2)
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000_000 + b"\r\n\r\n",
        b"not http at all\r\n\r\n",
        b"",
    ],
    ids=["negative", "short", "ten-megabyte-header", "no-http", "nothing"],
)
def test_it_calls_broken_answers_unreachable(site: Site, answer: bytes) -> None:
    site.answers["/"] = answer
    with pytest.raises(Unreachable):
        site.get("http://public.example/")


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 500, 503])
def test_it_takes_nothing_but_a_document(site: Site, status: int) -> None:
    site.answers["/"] = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()
    with pytest.raises(BadAnswer, match=str(status)):
        site.get("http://public.example/")


def test_it_says_when_a_name_or_a_server_does_not_exist(site: Site) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    site.resolve = unknown  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match=r"^The name nowhere.example could not be found\.$"):
        site.get("http://nowhere.example/")
    with pytest.raises(AddressRefused, match="not a public address"):
        fetch("http://127.0.0.1:9999/", max_bytes=10, timeout_s=1, policy=Policy())
