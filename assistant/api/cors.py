"""The one exception from "no foreign page reads an answer": pages of the origins that a widget lists, on its routes.

Whether an origin is listed is decided by the route's policy (widget_auth); here its answers, refusals included, only
get the headers that browsers ask for. Credentials are never allowed: there are no cookies.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.api.widget_auth import ORIGIN

MAY_SEND = {
    "Access-Control-Allow-Methods": "GET, POST, PUT",
    "Access-Control-Allow-Headers": "authorization, content-type, last-event-id",
    "Access-Control-Max-Age": "600",
}


class CheckedOrigin:
    """Middleware that lets the page of a checked origin read the answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_readable(message: Message) -> None:
            origin = scope.get(ORIGIN)
            if message["type"] == "http.response.start" and origin:
                headers = MutableHeaders(scope=message)
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = "Retry-After"
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
                headers.add_vary_header("Origin")
            await send(message)

        await self._app(scope, receive, send_readable if scope["type"] == "http" else send)
