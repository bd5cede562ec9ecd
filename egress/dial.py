"""Connections to addresses that were checked, under one deadline for everything that happens on them.

httpcore asks its network backend for every connection, also after a redirect. This backend resolves the name once,
checks what it got and connects to exactly that address, so a name that changes its mind between check and use
(DNS rebinding) gains nothing. The name stays in the Host header and in TLS.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

from egress.address import Address
from egress.errors import AddressRefused, TooSlow, Unreachable
from egress.policy import Policy

Resolve = Callable[[str, int], list[str]]  # name, port -> addresses
Dial = Callable[[str, int, float], httpcore.NetworkStream]  # address, port, seconds -> stream


class Deadline:
    """A point in time that a whole exchange has to meet."""

    def __init__(self, seconds: float) -> None:
        """Start the clock; `seconds` from now the deadline passes."""
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, always above 0; raises TooSlow when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TooSlow(f"The server did not finish within {self.seconds:g} s; try again later.")
        return left


class TimedStream(httpcore.NetworkStream):
    """A connection whose every operation ends with the deadline, so that a slow drip cannot hold it open."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        """Wrap `inner`."""
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return up to `max_bytes`; empty at the end."""
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        self._inner.write(buffer, self._deadline.left())

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the same connection under TLS, verified for `server_hostname`."""
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left())
        return TimedStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Return what the wrapped stream says."""
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Connects only where the policy allows."""

    def __init__(self, policy: Policy, deadline: Deadline, resolve: Resolve, dial: Dial) -> None:
        """Use `resolve` once per connection and `dial` only with addresses that passed."""
        self._policy = policy
        self._deadline = deadline
        self._resolve = resolve
        self._dial = dial

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Return a connection to the first checked address of `host` that answers.

        Raises AddressRefused when any address of the name is not allowed, Unreachable when none answers.
        """
        if not self._policy.allows_port(port):
            raise AddressRefused(f"Port {port} of {host} is not open to us; use 80, 443 or one from 1024 upwards.")
        addresses = self._checked(host, port)
        failure: Exception | None = None
        for address in addresses:
            try:
                return TimedStream(self._dial(address, port, self._deadline.left()), self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise Unreachable(f"{host} does not accept a connection on port {port} ({failure}).") from failure

    def _checked(self, host: str, port: int) -> list[str]:
        addresses = [ipaddress.ip_address(text) for text in self._addresses(host, port)]
        for address in addresses:
            if not self._policy.allows(host, address):
                raise AddressRefused(_why_refused(host, address))
        return [str(address) for address in addresses]

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            return _resolve_within(self._resolve, host, port, self._deadline)


def resolve_by_system(host: str, port: int) -> list[str]:
    """Return the addresses of `host` as the operating system knows them, without repetitions."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def dial_by_system(address: str, port: int, seconds: float) -> httpcore.NetworkStream:
    """Return a connection to `address`; raises httpcore.ConnectError or ConnectTimeout."""
    return httpcore.SyncBackend().connect_tcp(address, port, timeout=seconds)


def _why_refused(host: str, address: Address) -> str:
    name = f"{host} ({address})" if host != str(address) else host
    return f"{name} is not a public address; an administrator can add the host or its network to the allow list."


def _resolve_within(resolve: Resolve, host: str, port: int, deadline: Deadline) -> list[str]:
    """Resolve in a thread of its own, because the system's resolver knows no deadline."""
    answers: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve(host, port))
        except (OSError, UnicodeError) as exc:
            answers.put(exc)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty:
        raise TooSlow(f"The name {host} was not resolved within {deadline.seconds:g} s.") from None
    if isinstance(answer, Exception):
        raise Unreachable(f"The name {host} could not be found.") from answer
    if not answer:
        raise Unreachable(f"The name {host} has no address.")
    return answer
