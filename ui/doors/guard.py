"""What every request passes first: people without a session go to the sign-in page, every answer gets its headers."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from ui.client import Api
from ui.doors import cookie
from ui.errors import SignedOut, UiError
from ui.state import api_pool

# Streamlit's own addresses, and our doors: they are not pages.
_NOT_PAGES = ("/_stcore/", "/static/", "/media/", "/component/", "/door/", "/files/", "/app/")
_UPLOADS = "/_stcore/upload_file/"  # Streamlit keeps what is put here in memory
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
        """Send strangers elsewhere or refuse them, let the others through; every answer gets our headers."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open a tab's connection for people with a session: without one nobody may start a script or upload."""
        connection = WebSocket(scope, receive, send)
        if await run_in_threadpool(_signed_in, cookie.read(connection)):
            await self._app(scope, receive, send)
            return
        # A refused tab would try again for ever, so one whose session ended meanwhile is told where to go.
        await connection.accept(next(iter(scope.get("subprotocols", ())), None))
        message = ForwardMsg()
        message.auth_redirect.url = "/sign-in"
        await connection.send_bytes(message.SerializeToString())
        await connection.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = await self._instead(Request(scope)) or self._app
        await answer(scope, receive, send_with_headers)

    async def _instead(self, request: Request) -> Response | None:
        """Return what a stranger is answered; None to let the request through."""
        if request.scope["path"].startswith(_UPLOADS):
            # Nothing is taken into memory for a session that nobody has confirmed, as while the API does not answer.
            known = await run_in_threadpool(_signed_in, cookie.read(request), unanswered=False)
            return None if known else PlainTextResponse("Sign in before you upload files.", status_code=401)
        target = await self._elsewhere(request) if is_page(request.scope) else None
        return None if target is None else RedirectResponse(target, status_code=303)

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


def _signed_in(token: str | None, unanswered: bool = True) -> bool:
    """Return whether the API knows the session; `unanswered` when it does not say, as then the page itself does."""
    if not token:
        return False
    try:
        Api(api_pool(), token).me()
    except SignedOut:
        return False
    except UiError:
        return unanswered
    return True
