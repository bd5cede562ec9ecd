"""One request of any method to an API, with its own headers and body; the reply is bounded in bytes and time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from egress.address import joined, parse
from egress.dial import Resolve, resolve_by_system
from egress.errors import TooSlow, Unreachable
from egress.policy import Policy
from egress.transport import open_client


@dataclass(frozen=True, slots=True)
class Answered:
    """What an API answered, whatever its status."""

    status: int
    url: str
    media_type: str  # lower case, without parameters; "" when the server named none
    body: bytes
    location: str | None = None  # absolute, where a redirect leads


async def request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    max_bytes: int,
    timeout_s: float,
    policy: Policy,
    resolve: Resolve = resolve_by_system,
) -> Answered:
    """Return the answer to one request. No redirect is followed: headers may hold a secret meant for one host only.

    Raises AddressRefused, Unreachable, TooSlow (over `timeout_s` for everything), TooLarge (over `max_bytes`) or
    BadAnswer, each with one sentence for people.
    """
    target = parse(url)
    sent = {"User-Agent": "inhouse-assistant", **headers}
    client = open_client(policy, timeout_s=timeout_s, max_bytes=max_bytes, resolve=resolve)
    try:
        async with asyncio.timeout(timeout_s), client:
            response = await client.request(method, target.url, headers=sent, content=body)
    except (TimeoutError, httpx.TimeoutException) as exc:
        raise TooSlow(f"{_place(target.url)} did not answer within {timeout_s:g} s; try again later.") from exc
    except httpx.TransportError as exc:
        raise Unreachable(f"{_place(target.url)} could not be reached ({exc or type(exc).__name__}).") from exc
    media_type = str(response.headers.get("content-type", "")).split(";")[0].strip().lower()
    redirect = response.headers.get("location") if response.is_redirect else None
    location = joined(target.url, redirect) if redirect else None
    return Answered(response.status_code, target.url, media_type, response.content, location)


def _place(url: str) -> str:
    """Return the URL without its query, which may hold a key."""
    return url.split("?", 1)[0]
