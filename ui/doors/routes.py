"""Sign-in, set-up, sign-out and downloads. Forms are plain HTML; the session token only ever lives in the cookie."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import quote, urlsplit

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from ui import settings
from ui.client import Api
from ui.doors import assets, cookie, paper
from ui.errors import ApiRefused, UiError
from ui.state import api_pool
from ui.trouble import sentence
from ui.wire import Session

DOWNLOAD_TIMEOUT = httpx.Timeout(60.0, connect=3.0)
# Of the API's own headers only these travel on; everything else is set here.
_KEPT_HEADERS = ("content-length", "content-disposition")


def routes() -> list[Route]:
    """Return the routes that stand beside the pages."""
    return [
        Route("/sign-in", show_sign_in, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/setup", show_set_up, methods=["GET"]),
        Route("/setup", set_up, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/files/{document:str}", download, methods=["GET"]),
        Route("/door/widget-preview", paper.widget_preview, methods=["GET"]),
        *assets.routes(),
    ]


async def show_sign_in(request: Request) -> Response:
    """Return the sign-in page, or the way to the first set-up."""
    if await run_in_threadpool(_setup_needed):
        return paper.new_server()
    return paper.sign_in(next_path=inside(request.query_params.get("next", "/")))


async def sign_in(request: Request) -> Response:
    """Check name and password with the API and start a session in this browser."""
    if not same_origin(request):
        return _foreign()
    form = await request.form(max_files=0, max_fields=10)
    name, password, target = _field(form, "name"), _field(form, "password"), inside(_field(form, "next") or "/")
    try:
        session = await run_in_threadpool(Api(api_pool(), forwarded=_forwarded(request)).login, name, password)
    except UiError as error:
        return paper.sign_in(name, target, sentence(error), status=_status(error))
    return _enter(request, session, target)


async def show_set_up(request: Request) -> Response:
    """Return the form that creates the first administrator; once there is one, the sign-in page."""
    if not await run_in_threadpool(_setup_needed):
        return RedirectResponse("/sign-in", status_code=303)
    return paper.set_up(request.query_params.get("token", ""))


async def set_up(request: Request) -> Response:
    """Create the first administrator and sign in."""
    if not same_origin(request):
        return _foreign()
    form = await request.form(max_files=0, max_fields=10)
    token, name, password = _field(form, "token"), _field(form, "name"), _field(form, "password")
    if password != _field(form, "again"):
        return paper.set_up(token, name, "The two passwords differ.", status=400)
    try:
        session = await run_in_threadpool(Api(api_pool(), forwarded=_forwarded(request)).set_up, token, name, password)
    except UiError as error:
        return paper.set_up(token, name, sentence(error), status=_status(error))
    return _enter(request, session, "/")


async def sign_out(request: Request) -> Response:
    """End the session on the server and in this browser."""
    if not same_origin(request):
        return _foreign()
    token = cookie.read(request)
    if token:
        with suppress(UiError):  # the browser forgets the token all the same; the server ends it by its age
            await run_in_threadpool(_api(token).logout)
    response = RedirectResponse("/sign-in", status_code=303)
    cookie.take_back(response)
    return response


async def download(request: Request) -> Response:
    """Pass a document's file through in the name of this browser's session, always as an attachment."""
    token = cookie.read(request)
    if not token:
        return RedirectResponse("/sign-in", status_code=303)
    client = httpx.AsyncClient(base_url=settings.current().api_url, timeout=DOWNLOAD_TIMEOUT, trust_env=False)
    wanted = client.build_request(
        "GET",
        f"/api/documents/{quote(request.path_params['document'], safe='')}/file",
        headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
    )
    try:
        answer = await client.send(wanted, stream=True)
    except httpx.HTTPError:
        await client.aclose()
        return PlainTextResponse("The server does not answer. Try again in a moment.", status_code=502)
    if answer.is_error:
        await answer.aclose()
        await client.aclose()
        return PlainTextResponse("There is no such document, or you may not read it.", status_code=404)
    kept = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    kept.setdefault("content-disposition", "attachment")
    kept["content-security-policy"] = "sandbox; default-src 'none'"
    return StreamingResponse(_pass_on(client, answer), headers=kept, media_type="application/octet-stream")


def inside(path: str) -> str:
    """Return `path` if it stays on this server, else "/"; nobody is sent elsewhere after signing in."""
    parts = urlsplit(path)
    local = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if local and path.isprintable() else "/"


def same_origin(request: Request) -> bool:
    """Return whether a form was sent from our own page: another site's form must not sign anybody in or out."""
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == request.headers.get("host")
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


async def _pass_on(client: httpx.AsyncClient, answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()
        await client.aclose()


def _enter(request: Request, session: Session, target: str) -> Response:
    response = RedirectResponse(target, status_code=303)
    cookie.give(response, session.token, secure=request.url.scheme == "https")
    return response


def _status(error: UiError) -> int:
    return error.status if isinstance(error, ApiRefused) else 502


def _foreign() -> Response:
    return PlainTextResponse("This form was not sent from our own page, so nothing was done.", status_code=403)


def _field(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) and name == "name" else value if isinstance(value, str) else ""


def _forwarded(request: Request) -> str:
    """Return X-Forwarded-For with who asks at its end, so that guessers elsewhere do not shut a person out.

    What stands before it may be forged; the API believes no more of it than trusted proxies say.
    """
    claimed = [part for part in request.headers.getlist("x-forwarded-for") if part.isascii() and part.isprintable()]
    return ", ".join([*claimed, request.client.host if request.client else "unknown"])


def _api(token: str | None) -> Api:
    return Api(api_pool(), token)


def _setup_needed() -> bool:
    try:
        return _api(None).setup_needed()
    except UiError:
        return False  # the sign-in form will say that the server does not answer
