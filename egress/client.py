"""The one HTTP client of the product for addresses that come from people, documents or other machines."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import certifi
import httpcore

from egress.address import Target, parse
from egress.dial import Deadline, Dial, GuardedBackend, Resolve, dial_by_system, resolve_by_system
from egress.errors import AddressRefused, BadAnswer, TooLarge, TooSlow, Unreachable
from egress.policy import Policy

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 64 * 1024  # bytes that are unpacked at a time
Write = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Received:
    """Where a download ended and what the server called it."""

    url: str  # after redirects
    media_type: str  # lower case, without parameters; "" when the server named none
    size: int  # bytes, unpacked


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document in memory."""

    url: str  # after redirects
    media_type: str  # lower case, without parameters; "" when the server named none
    body: bytes


def fetch(url: str, max_bytes: int, timeout_s: float, policy: Policy) -> Fetched:
    """Return the document at `url`; raises like `download`."""
    pieces: list[bytes] = []
    received = download(url, pieces.append, max_bytes, timeout_s, policy)
    return Fetched(received.url, received.media_type, b"".join(pieces))


def download(
    url: str,
    write: Write,
    max_bytes: int,
    timeout_s: float,
    policy: Policy,
    resolve: Resolve = resolve_by_system,
    dial: Dial = dial_by_system,
) -> Received:
    """Pass the document at `url` to `write`, piece by piece, and return what was received.

    Redirects are followed by hand, at most `policy.max_redirects`, each parsed and checked like the first URL and
    never from https to http; pages that refresh themselves are not followed. `timeout_s` holds for everything
    together, `max_bytes` for the unpacked body. `resolve` and `dial` are seams for tests.

    Raises AddressRefused, Unreachable, TooSlow, TooLarge or BadAnswer, each with one sentence for people.
    """
    deadline = Deadline(timeout_s)
    target = parse(url)
    for _ in range(policy.max_redirects + 1):
        backend = GuardedBackend(policy, deadline, resolve, dial)
        answer = _exchange(target, backend, write, max_bytes, deadline)
        if isinstance(answer, Received):
            return answer
        if target.scheme == "https" and answer.scheme == "http":
            raise AddressRefused(f"{target.url} redirects to {answer.url}, which is not encrypted; it is not followed.")
        target = answer
    raise BadAnswer(f"{url} redirects more than {policy.max_redirects} times.")


def _exchange(
    target: Target, backend: GuardedBackend, write: Write, max_bytes: int, deadline: Deadline
) -> Received | Target:
    """Ask for one URL; return what was received, or where it redirects to."""
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(target.scheme), network_backend=backend) as pool,
            pool.stream("GET", _wire_url(target), headers=_headers(target)) as response,
        ):
            location = _header(response, b"location")
            if response.status in _REDIRECTS and location:
                return target.join(location)
            return _receive(target, response, write, max_bytes)
    except (httpcore.ReadTimeout, httpcore.WriteTimeout, httpcore.ConnectTimeout) as exc:
        raise TooSlow(f"{target.url} did not finish within {deadline.seconds:g} s; try again later.") from exc
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as exc:
        raise Unreachable(f"{target.url} could not be read ({exc or type(exc).__name__}).") from exc


def _receive(target: Target, response: httpcore.Response, write: Write, max_bytes: int) -> Received:
    if response.status != 200:
        raise BadAnswer(f"{target.url} answered with status {response.status}, not with a document.")
    stated = _header(response, b"content-length")
    if stated.isdigit() and int(stated) > max_bytes:
        raise TooLarge(f"{target.url} has {stated} bytes; at most {max_bytes} are taken.")
    size = 0
    for piece in _unpacked(response, _header(response, b"content-encoding").lower(), target):
        size += len(piece)
        if size > max_bytes:
            raise TooLarge(f"{target.url} has more than {max_bytes} bytes.")
        write(piece)
    media_type = _header(response, b"content-type").split(";")[0].strip().lower()
    return Received(target.url, media_type, size)


def _unpacked(response: httpcore.Response, encoding: str, target: Target) -> Iterator[bytes]:
    """Yield the body in pieces of bounded size, so that a small answer cannot grow large in memory."""
    pieces: Iterator[bytes] = response.iter_stream()
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadAnswer(f"{target.url} answers in the encoding {encoding!r}, which was not asked for.")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # reads the header of gzip as well as of zlib
    try:
        for piece in pieces:
            data = piece
            while data:
                yield unpacker.decompress(data, _PIECE)
                data = unpacker.unconsumed_tail
        yield unpacker.flush(_PIECE)
    except zlib.error as exc:
        raise BadAnswer(f"{target.url} sent a damaged {encoding} body ({exc}).") from exc


def _wire_url(target: Target) -> httpcore.URL:
    return httpcore.URL(
        scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.target.encode()
    )


def _headers(target: Target) -> list[tuple[str, str]]:
    return [
        ("Host", target.authority),
        ("User-Agent", "inhouse-assistant"),
        ("Accept", "text/html,application/xhtml+xml,application/pdf,text/*,*/*;q=0.5"),
        ("Accept-Encoding", "gzip"),
        ("Connection", "close"),
    ]


def _header(response: httpcore.Response, name: bytes) -> str:
    """Return all values of a header joined by commas, as HTTP defines it; "" when it is absent."""
    return ", ".join(value.decode("latin-1").strip() for key, value in response.headers if key.lower() == name)


def _tls(scheme: str) -> ssl.SSLContext | None:
    if scheme != "https":
        return None  # loading the authorities takes 30 ms
    context = ssl.create_default_context()  # the site's own certificate authorities
    context.load_verify_locations(certifi.where())
    return context
