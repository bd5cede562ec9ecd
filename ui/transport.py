"""How requests travel to the API and what its answers mean; the only file of the pages that imports httpx for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from ui.errors import ApiRefused, ApiUnreachable, SignedOut
from ui.scrub import scrub
from ui.sse import ChatEvent, chat_events
from ui.wire import Upload

# A page must not hang: connecting is local, answers of the JSON API are quick; uploads and streams set their own.
TIMEOUT = httpx.Timeout(20.0, connect=3.0)
# A stream may be silent while a model reads a long prompt; the API sends heartbeats well within this.
STREAM_TIMEOUT = httpx.Timeout(120.0, connect=3.0)
UPLOAD_TIMEOUT = httpx.Timeout(600.0, connect=3.0)
SLOW_TIMEOUT = httpx.Timeout(300.0, connect=5.0)  # two answers of a small model on a busy machine

Params = Mapping[str, str | int | float | None]
NamedFile = tuple[str, IO[bytes], str]  # name (may hold a relative path), content, media type
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transport:
    """Requests in the name of one person."""

    http: httpx.Client
    token: str | None = field(default=None, repr=False)  # a secret: never in a log or a traceback
    forwarded: str = (
        ""  # X-Forwarded-For: whose request it is, where the API has to tell people apart before they sign in
    )

    def read(self, shape: type[T], path: str, params: Params | None = None) -> T:
        """Return what GET `path` answers."""
        return self.parse(shape, self.send("GET", path, params=params))

    def read_list(self, shape: type[T], path: str, name: str, params: Params | None = None) -> list[T]:
        """Return the rows under `name` of what GET `path` answers."""
        rows = self.read_object(path, params).get(name, [])
        return _validate(TypeAdapter(list[shape]), rows, path)  # type: ignore[valid-type]  # a type that is a value here

    def read_object(self, path: str, params: Params | None = None) -> dict[str, object]:
        """Return the JSON object that GET `path` answers."""
        return _validate(TypeAdapter(dict[str, object]), _body(self.send("GET", path, params=params)), path)

    def parse(self, shape: type[T], response: httpx.Response) -> T:
        """Return the body of `response` in the wanted shape."""
        return _validate(TypeAdapter(shape), _body(response), response.request.url.path)

    def send_files(self, path: str, files: Iterable[NamedFile]) -> Upload:
        """Post files as multipart and return their fates."""
        parts = [("files", named) for named in files]
        with _reachable():
            response = self.http.post(path, files=parts, headers=self._headers(), timeout=UPLOAD_TIMEOUT)
        _refuse(response)
        return self.parse(Upload, response)

    def send_file(self, path: str, file: NamedFile, fields: Mapping[str, str]) -> httpx.Response:
        """Return the answer to one file with fields beside it; raise when it is an error."""
        with _reachable():
            response = self.http.post(
                path, files={"file": file}, data=dict(fields), headers=self._headers(), timeout=SLOW_TIMEOUT
            )
        _refuse(response)
        return response

    def send(
        self, method: str, path: str, params: Params | None = None, json: Mapping[str, object] | None = None
    ) -> httpx.Response:
        """Return the answer to one request; raise when it is an error."""
        query = {name: value for name, value in (params or {}).items() if value is not None}
        with _reachable():
            response = self.http.request(
                method, path, params=query, json=json, headers=self._headers(), timeout=TIMEOUT
            )
        _refuse(response)
        return response

    def send_content(
        self, path: str, content: bytes, params: Params | None = None, media_type: str = "application/json"
    ) -> httpx.Response:
        """Return the answer to a file that is handed on as it is; raise when it is an error."""
        headers = {**self._headers(), "Content-Type": media_type}
        with _reachable():
            response = self.http.post(path, content=content, params=params, headers=headers, timeout=SLOW_TIMEOUT)
        _refuse(response)
        return response

    def send_slowly(self, method: str, path: str, json: Mapping[str, object]) -> httpx.Response:
        """Return the answer to a request that waits for a model; raise when it is an error."""
        with _reachable():
            response = self.http.request(method, path, json=json, headers=self._headers(), timeout=SLOW_TIMEOUT)
        _refuse(response)
        return response

    def send_stream(
        self,
        method: str,
        path: str,
        json: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[ChatEvent]:
        """Yield the events of a streamed answer; leaving the loop early closes the connection."""
        wanted = {**self._headers(), "Accept": "text/event-stream", **(headers or {})}
        with (
            _reachable(),
            self.http.stream(method, path, json=json, headers=wanted, timeout=STREAM_TIMEOUT) as response,
        ):
            if response.is_error:
                response.read()
            _refuse(response)
            yield from chat_events(response.iter_lines())

    def _headers(self) -> dict[str, str]:
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return token | ({"X-Forwarded-For": self.forwarded} if self.forwarded else {})


def connect(api_url: str) -> httpx.Client:
    """Return a pool of connections to the API; safe to share between threads and people.

    Proxies of the environment are ignored: the API is the next process, and a question must not take a detour.
    """
    return httpx.Client(base_url=api_url, timeout=TIMEOUT, trust_env=False, follow_redirects=False)


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as exc:
        raise ApiUnreachable("The server does not answer. It may be starting; try again in a moment.") from exc


def _refuse(response: httpx.Response) -> None:
    """Raise what an error response means; do nothing for a good one."""
    if not response.is_error:
        return
    problem = _problem(response)
    error = problem.get("error")
    if isinstance(error, dict):  # OpenAI's shape, under /v1
        problem = {"detail": error.get("message"), "code": error.get("code") or error.get("type")}
    if response.status_code == 401 and str(problem.get("code") or "").replace("_", "-") in ("", "not-signed-in"):
        raise SignedOut("Your session has ended. Sign in again.")
    raise ApiRefused(
        status=response.status_code,
        title=str(problem.get("title") or f"The server answered {response.status_code}"),
        detail=str(problem.get("detail") or ""),
        code=str(problem.get("code") or ""),
        retry_after_s=_seconds(response.headers.get("Retry-After")),
    )


def _problem(response: httpx.Response) -> dict[str, object]:
    try:
        body = scrub(response.json())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.isdigit() else None


def _body(response: httpx.Response) -> object:
    try:
        return scrub(response.json())
    except ValueError as exc:
        raise _unreadable(response.request.url.path) from exc


def _validate(adapter: TypeAdapter[T], value: object, path: str) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError as exc:
        raise _unreadable(path) from exc


def _unreadable(path: str) -> ApiRefused:
    return ApiRefused(
        status=502,
        title="The server's answer could not be read",
        detail=f"The answer to {path} has a shape that these pages do not know. "
        "Update the pages and the API to the same version.",
        code="unreadable",
    )
