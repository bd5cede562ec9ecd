"""What endpoints ask for by type: the application's objects, the caller, ids and texts that can be stored."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import AfterValidator, StringConstraints

from assistant.app import App

# Ids are ours; anything that cannot be one is refused before the database sees it.
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,80}$", description="An id as the API returned it")]
# A model or an adapter; its name never becomes a path here, but it goes into addresses.
ModelName = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$", description="A name as the API returned it")
]


def storable(text: str) -> str:
    """Return `text` if every database can store it; raises ValueError for NUL and for halves of surrogate pairs."""
    if "\x00" in text:
        raise ValueError("a text cannot hold the character NUL")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a text cannot hold half a surrogate pair") from None
    return text


Text = Annotated[str, AfterValidator(storable)]
Line = Annotated[str, StringConstraints(max_length=500), AfterValidator(storable)]


def the_app(request: Request) -> App:
    """Return the application's objects."""
    app: App = request.app.state.app
    return app


async def _app(request: Request) -> App:
    # Asynchronous, as all dependencies are: FastAPI would call a plain function in a thread, for 0.1 ms each.
    return the_app(request)


Parts = Annotated[App, Depends(_app)]


def client_address(request: Request) -> str:
    """Return the client's address as far as it can be believed.

    X-Forwarded-For is read from right to left while the one who says it is a trusted proxy; other headers never are.
    """
    trusted = [ipaddress.ip_network(network) for network in the_app(request).settings.trusted_proxies]
    address = request.client.host if request.client else "unknown"
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for claimed in reversed([part.strip() for part in forwarded if part.strip()]):
        if not _within(address, trusted):
            break
        try:
            address = str(ipaddress.ip_address(claimed))
        except ValueError:
            break
    return address


def _within(address: str, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed.version == network.version and parsed in network for network in networks)
