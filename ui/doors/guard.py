"""What every request passes first: people without a session go to the sign-in page, every answer gets its headers."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.client import Api
from ui.doors import cookie
from ui.errors import SignedOut, UiError
from ui.state import api_pool

# Streamlit's own addresses, and our doors: they are not pages.
_NOT_PAGES = ("/_stcore/", "/static/", "/media/", "/component/", "/door/", "/files/", "/app/")
_DOORS = ("/sign-in", "/setup", "/sign-out")

# Streamlit writes styles at run time and loads component code from blobs; nothing may come from another host.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' blob: 'unsafe-inline' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self' blob:",  # what the microphone recorded is a blob of the page itself
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-src 'self'",  # the preview of a widget
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(self), geolocation=(), payment=()",
}


class Guard:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a redirect, or let the request through; either way with our headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        target = await self._elsewhere(Request(scope)) if is_page(scope) else None
        if target is None:
            await self._app(scope, receive, send_with_headers)
        else:
            await RedirectResponse(target, status_code=303)(scope, receive, send_with_headers)

    async def _elsewhere(self, request: Request) -> str | None:
        """Return where a person without a session is sent; None to let them through."""
        setup = parse_qs(request.scope["query_string"].decode("latin-1")).get("setup")
        if setup:
            return f"/setup?{urlencode({'token': setup[0]})}"
        if await run_in_threadpool(_signed_in, cookie.read(request)):
            return None
        path = request.scope["path"]
        query = request.scope["query_string"].decode("latin-1")
        wanted = f"{quote(path)}?{query}" if query else quote(path)
        return "/sign-in" if wanted == "/" else f"/sign-in?{urlencode({'next': wanted})}"


def is_page(scope: Scope) -> bool:
    """Return whether a request is for one of the pages; decided on the routed path, never on the Host header."""
    path = scope["path"]
    return scope["method"] in ("GET", "HEAD") and path not in _DOORS and not path.startswith(_NOT_PAGES)


def _signed_in(token: str | None) -> bool:
    if not token:
        return False
    try:
        Api(api_pool(), token).me()
    except SignedOut:
        return False
    except UiError:
        return True  # the page itself says that the server does not answer
    return True
