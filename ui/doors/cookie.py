"""The session cookie: set by the doors, read by the pages, out of reach of scripts in the browser."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from ui.state import COOKIE

# How long a browser keeps it; the API decides how long it is worth anything.
KEEP_S = 30 * 24 * 3600


def give(response: Response, token: str, secure: bool) -> None:
    """Hand the session token to the browser; `secure` when the page came over https."""
    response.set_cookie(COOKIE, token, max_age=KEEP_S, path="/", httponly=True, samesite="lax", secure=secure)


def take_back(response: Response) -> None:
    """Make the browser forget the session token."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")


def read(connection: HTTPConnection) -> str | None:
    """Return the session token that the browser sent; None when there is none, or none that a header can carry."""
    token = connection.cookies.get(COOKIE)
    return token if token and token.isascii() and token.isprintable() else None
