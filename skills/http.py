"""HTTP as skills see it: one request, one bounded reply. The real one goes through the guarded client, `egress`."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio.to_thread

from egress.address import parse
from egress.dial import resolve_by_system
from egress.errors import EgressError
from egress.policy import Policy
from egress.request import request as send
from skills.errors import SkillFailure


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to ask of whom."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back, at most as many bytes as were allowed."""

    status: int
    url: str  # after redirects
    media_type: str  # lower case, without parameters
    body: bytes
    location: str | None = None  # absolute, where a redirect leads; nobody has followed it

    @property
    def text(self) -> str:
        """Return the body as text; bytes that are no UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body read as JSON; raises SkillFailure when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            raise SkillFailure(f"{self.url} did not answer in JSON.") from exc


class Http(Protocol):
    """Sends requests out of the building, or to the hosts inside it that the settings allow."""

    async def __call__(self, request: HttpRequest, *, max_bytes: int, timeout_s: float) -> HttpReply:
        """Return the reply, whatever its status.

        Raises SkillFailure when the address may not be called, nobody answers in time, or the reply is too large.
        """
        ...

    async def check(self, url: str) -> None:
        """Return when `url` may be called as far as can be told now; raises SkillFailure when it may not."""
        ...


class GuardedHttp:
    """The real `Http`: every request passes the product's guard."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    async def __call__(self, request: HttpRequest, *, max_bytes: int, timeout_s: float) -> HttpReply:
        """See `Http`."""
        try:
            answered = await send(
                request.method,
                request.url,
                request.headers,
                request.body,
                max_bytes=max_bytes,
                timeout_s=timeout_s,
                policy=self.policy,
            )
        except EgressError as exc:
            raise SkillFailure(str(exc)) from exc
        return HttpReply(answered.status, answered.url, answered.media_type, answered.body, answered.location)

    async def check(self, url: str) -> None:
        """See `Http`. A name that is not known yet passes: each connection is checked again."""
        try:
            target = parse(url)
        except EgressError as exc:
            raise SkillFailure(str(exc)) from exc
        if not self.policy.allows_port(target.port):
            raise SkillFailure(f"Port {target.port} of {target.host} is not open to skills.")
        for address in await _addresses(target.host, target.port):
            if not self.policy.allows(target.host, address):
                raise SkillFailure(
                    f"{target.host} ({address}) is not a public address. An administrator may allow it: allow_hosts."
                )


async def _addresses(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return what is known of a host's addresses now: an empty list for a name that is not known."""
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass
    try:
        found = await anyio.to_thread.run_sync(resolve_by_system, host, port, abandon_on_cancel=True)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(address) for address in found]
