"""The two plain HTML pages, sign-in and set-up. They work without JavaScript, and password managers know them."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse

from ui import settings

_FOLDER = Path(__file__).parent
_FRAME = Template((_FOLDER / "frame.html").read_text(encoding="utf-8"))
_SIGN_IN = Template((_FOLDER / "sign_in.html").read_text(encoding="utf-8"))
_SET_UP = Template((_FOLDER / "set_up.html").read_text(encoding="utf-8"))
_PREVIEW = Template((_FOLDER / "widget_preview.html").read_text(encoding="utf-8"))
_NEW = (_FOLDER / "new.html").read_text(encoding="utf-8")


def sign_in(name: str = "", next_path: str = "/", message: str = "", status: int = 200) -> HTMLResponse:
    """Return the sign-in page; `message` says why the last try failed."""
    body = _SIGN_IN.substitute(name=escape(name), next=escape(next_path), message=_alert(message))
    return _page("Sign in", body, status)


def set_up(token: str, name: str = "", message: str = "", status: int = 200) -> HTMLResponse:
    """Return the page that creates the first administrator."""
    return _page("Welcome", _SET_UP.substitute(token=escape(token), name=escape(name), message=_alert(message)), status)


def new_server() -> HTMLResponse:
    """Return the page for those who come before the first administrator."""
    return _page("Not set up yet", _NEW, 200)


async def widget_preview(request: Request) -> HTMLResponse:
    """Return a page with a widget that shows the profile in the address and talks to nobody.

    Only our own pages may frame it, it may run only the widget's script, and it may reach nothing.
    """
    profile = request.query_params.get("profile", "{}")
    html = _PREVIEW.substitute(profile=escape(profile))
    policy = "default-src 'none'; script-src 'self'; style-src 'self'; frame-ancestors 'self'; base-uri 'none'"
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"})


def _alert(message: str) -> str:
    return f'<p class="alert" role="alert">{escape(message)}</p>' if message else ""


def _page(title: str, body: str, status: int) -> HTMLResponse:
    product = escape(settings.current().product)
    html = _FRAME.substitute(title=escape(title), product=product, body=body)
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})
