"""The guard for asynchronous code: an httpx client whose every connection is made to a checked address."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import cache

import anyio.to_thread
import certifi
import httpcore
import httpx

from egress.dial import Resolve, resolve_by_system
from egress.errors import AddressRefused, BadAnswer, TooLarge, Unreachable
from egress.policy import Policy

Sign = Callable[[], Awaitable[Mapping[str, str]]]  # headers that each request gets when it is sent
_ENCODING = b"content-encoding"  # names come as the sender wrote them


def open_client(
    policy: Policy,
    *,
    timeout_s: float,
    max_bytes: int,
    sign: Sign | None = None,
    resolve: Resolve = resolve_by_system,
    around: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] | None = None,
) -> httpx.AsyncClient:
    """Return a client that connects where `policy` allows, follows no redirect and reads no proxy settings.

    `timeout_s` holds for each operation on a connection, `max_bytes` for each body as it comes over the wire, which is
    not compressed. A refused address is raised as AddressRefused, a larger body as TooLarge. `around` puts another
    transport around the guarded one.
    """

    async def prepare(request: httpx.Request) -> None:
        request.headers["Accept-Encoding"] = "identity"
        if sign:
            request.headers.update(await sign())

    guarded = GuardedTransport(policy, max_bytes, resolve)
    return httpx.AsyncClient(
        transport=around(guarded) if around else guarded,
        timeout=timeout_s,
        trust_env=False,
        event_hooks={"request": [prepare]},
    )


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks what it got, and connects to exactly that."""

    def __init__(self, policy: Policy, resolve: Resolve) -> None:
        """Use `resolve` once per connection."""
        self._policy = policy
        self._resolve = resolve
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to the first address of `host` that answers; all of them have to be allowed."""
        if not self._policy.allows_port(port):
            raise AddressRefused(f"Port {port} of {host} is not open to us; use 80, 443 or one from 1024 upwards.")
        failure: Exception | None = None
        for address in await self._checked(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout=timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise httpcore.ConnectError(f"{host} does not accept a connection on port {port} ({failure}).")

    async def _checked(self, host: str, port: int) -> list[str]:
        try:
            found = [str(ipaddress.ip_address(host))]
        except ValueError:
            found = await self._addresses(host, port)
        for text in found:
            if not self._policy.allows(host, ipaddress.ip_address(text)):
                raise AddressRefused(
                    f"{host} ({text}) is not a public address; an administrator can add the host or its network to the "
                    "allow list."
                )
        return found

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = await anyio.to_thread.run_sync(self._resolve, host, port, abandon_on_cancel=True)
        except (OSError, UnicodeError) as exc:
            raise Unreachable(f"The name {host} could not be found.") from exc
        if not found:
            raise Unreachable(f"The name {host} has no address.")
        return found


class GuardedTransport(httpx.AsyncBaseTransport):
    """httpx over httpcore with the guarded backend."""

    def __init__(self, policy: Policy, max_bytes: int, resolve: Resolve = resolve_by_system) -> None:
        """Keep a small pool of connections, each to a checked address."""
        self._max_bytes = max_bytes
        backend = GuardedBackend(policy, resolve)
        self._pool = httpcore.AsyncConnectionPool(ssl_context=_tls(), network_backend=backend, max_connections=10)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; errors come as httpx raises them, a refused address as AddressRefused."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        wire = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            response = await self._pool.handle_async_request(wire)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as exc:
            raise _translated(exc) from exc
        body = _Body(response, self._max_bytes, str(request.url))
        # httpx would inflate what a header calls compressed, and without a limit
        headers = [(name, value) for name, value in response.headers if name.lower() != _ENCODING]
        return httpx.Response(response.status, headers=headers, stream=body)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response, max_bytes: int, url: str) -> None:
        self._response = response
        self._max_bytes = max_bytes
        self._url = url.split("?", 1)[0]  # a query may hold a key

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        encodings = {value.strip().lower() for name, value in self._response.headers if name.lower() == _ENCODING}
        if encodings - {b"identity"}:
            raise BadAnswer(f"{self._url} answers in an encoding that was not asked for.")
        try:
            async for piece in self._response.aiter_stream():
                size += len(piece)
                if size > self._max_bytes:
                    raise TooLarge(f"{self._url} answers with more than {self._max_bytes} bytes.")
                yield piece
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as exc:
            raise _translated(exc) from exc

    async def aclose(self) -> None:
        await self._response.aclose()


@cache
def _tls() -> ssl.SSLContext:
    """Read the certificate authorities once: that takes tens of milliseconds."""
    context = ssl.create_default_context()  # the site's own
    context.load_verify_locations(certifi.where())
    return context


def _translated(exc: Exception) -> httpx.TransportError:
    text = str(exc) or type(exc).__name__
    if isinstance(exc, httpcore.TimeoutException):
        return httpx.TimeoutException(text)
    if isinstance(exc, httpcore.ConnectError):
        return httpx.ConnectError(text)
    if isinstance(exc, httpcore.ProtocolError):
        return httpx.RemoteProtocolError(text)
    return httpx.NetworkError(text)
