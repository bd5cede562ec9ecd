"""The engine's HTTP server: four routes, a secret key, bounded bodies, and a place freed when the client leaves."""

from __future__ import annotations

import asyncio
import hmac
import math
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.models.errors import ModelError, ModelOverloaded, ModelRefused
from assistant.models.local.backend import Backend
from assistant.models.local.chatml import ControlTokens, render
from assistant.models.local.engine import Engine
from assistant.models.local.schema import SchemaRefused, check
from assistant.models.local.wire import ChatBody, Chunks, TokenizeBody, error_json, sse
from assistant.models.types import Piece
from assistant.orchestration.prompts import Message

MAX_BODY_BYTES = 1_000_000
# No tokenizer packs more than 16 characters into a token on average, so a longer text need not be tokenized to be
# refused: that keeps a hostile one from holding the event loop.
MAX_CHARACTERS_PER_TOKEN = 16

B = TypeVar("B", bound=BaseModel)
T = TypeVar("T")


def build(
    backend: Backend,
    key: str,
    places: int,
    on_broken: Callable[[BaseException], None],
    clock: Callable[[], float] = time.monotonic,
) -> ASGIApp:
    """Return the application. `places` bounds running and waiting requests; `key` is the bearer token of every route.

    `on_broken` is called when the backend has died; requests are answered with 503 from then on. `clock` tells seconds.
    """
    engine = Engine(backend, places, on_broken, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        engine.start()
        yield
        engine.stop()

    api = _Api(engine)
    routes = [
        Route("/health", api.health),
        Route("/v1/models", api.models),
        Route("/v1/chat/completions", api.chat, methods=["POST"]),
        Route("/tokenize", api.tokenize, methods=["POST"]),
    ]
    return _WithKey(Starlette(routes=routes, lifespan=lifespan, exception_handlers={ModelError: _refusal}), key)


class _Api:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._backend = engine.backend
        self._control = ControlTokens(engine.backend.control_tokens)

    async def health(self, _: Request) -> Response:
        """Say what runs here and how busy it is; `tokens` grows while the engine really works."""
        load = self._engine.load()
        model = {"model": self._backend.name, "context_tokens": self._backend.context_tokens}
        guesses = [asdict(task) for task in self._engine.guessing.told()]
        work = {"jobs": load.jobs, "places": load.places, "tokens": load.tokens, "guesses": guesses}
        return JSONResponse({"status": "ok", **model, **work})

    async def models(self, _: Request) -> Response:
        """List the one model."""
        entry = {"id": self._backend.name, "object": "model", "created": 0, "owned_by": "inhouse"}
        return JSONResponse({"object": "list", "data": [{**entry, "max_model_len": self._backend.context_tokens}]})

    async def tokenize(self, request: Request) -> Response:
        """Count the tokens of a chat as it would be prompted."""
        body = await _read(request, TokenizeBody)
        return JSONResponse({"count": len(self._prompt(body.chat()))})

    async def chat(self, request: Request) -> Response:
        """Answer a chat, in one piece or streamed."""
        body = await _read(request, ChatBody)
        pieces = self._engine.stream(self._prompt(body.chat()), body.sampling(_schema(body)), body.task)
        chunks = Chunks(f"chatcmpl-{uuid.uuid4().hex}", self._backend.name)
        if not body.stream:
            return await _whole(request, pieces, chunks)
        first = await _unless_gone(request, _next(pieces))  # errors before the first token become an HTTP status
        include_usage = body.stream_options is not None and body.stream_options.include_usage
        return _Stream(first, pieces, chunks, include_usage)

    def _prompt(self, messages: tuple[Message, ...]) -> tuple[int, ...]:
        text = render(messages, self._control)
        limit = self._backend.context_tokens
        if len(text) > limit * MAX_CHARACTERS_PER_TOKEN:
            raise ModelRefused(
                f"The prompt has {len(text)} characters, which cannot fit the {limit} tokens the model reads. "
                "Send a shorter one.",
                code="context_length_exceeded",
            )
        return self._backend.encode(text)


class _Stream(Response):
    """Server-sent events that end, and free their place in the engine, when the client is gone."""

    def __init__(self, first: Piece, rest: AsyncIterator[Piece], chunks: Chunks, include_usage: bool) -> None:
        super().__init__(headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._first, self._rest, self._chunks, self._include_usage = first, rest, chunks, include_usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they are all out or the client is gone."""
        sending = asyncio.create_task(self._send(send))
        try:
            await _first_of(sending, _gone(receive))
        finally:
            sending.cancel()
            await asyncio.wait({sending})
            await _close(self._rest)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            await self._event(send, self._chunks.chunk(self._first, first=True))
            last = self._first
            async for last in self._rest:
                await self._event(send, self._chunks.chunk(last, first=False))
            if self._include_usage and last.usage:
                await self._event(send, self._chunks.usage(last.usage))
            await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})
        except ModelError as exc:
            await self._event(send, error_json(exc)[1], more=False)

    @staticmethod
    async def _event(send: Send, payload: dict[str, Any], more: bool = True) -> None:
        await send({"type": "http.response.body", "body": sse(payload), "more_body": more})


async def _next(pieces: AsyncIterator[Piece]) -> Piece:
    return await anext(pieces)


async def _whole(request: Request, pieces: AsyncIterator[Piece], chunks: Chunks) -> Response:
    async def collect() -> tuple[str, Piece]:
        text, last = "", Piece()
        async for last in pieces:
            text += last.text
        return text, last

    try:
        text, last = await _unless_gone(request, collect())
    finally:
        await _close(pieces)
    return JSONResponse(chunks.whole(text, last))


async def _unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns. Raises ClientDisconnect, with `work` cancelled, when the client leaves before."""
    task = asyncio.create_task(work)
    try:
        await _first_of(task, _gone(request.receive))
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()


async def _first_of(task: asyncio.Task[Any], other: Coroutine[Any, Any, None]) -> None:
    """Wait until one of the two has ended; `other` is cancelled."""
    second = asyncio.create_task(other)
    try:
        await asyncio.wait({task, second}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        second.cancel()


async def _gone(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _close(pieces: AsyncIterator[Piece]) -> None:
    if isinstance(pieces, AsyncGenerator):
        await pieces.aclose()


async def _read(request: Request, model: type[B]) -> B:
    """Return the body as `model`. Raises ModelRefused when it is too large or not of that form."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise ModelRefused(f"The body is larger than {MAX_BODY_BYTES} bytes.", code="body_too_large")
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as exc:
        wrong = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in wrong["loc"]) or "the body"
        raise ModelRefused(f"The request is not valid at {place}: {wrong['msg']}.") from exc


def _schema(body: ChatBody) -> dict[str, Any] | None:
    wanted = body.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.json_schema is None:
        raise ModelRefused("The response format json_schema lacks its schema.")
    try:
        return check(wanted.json_schema.schema_)
    except SchemaRefused as exc:
        raise ModelRefused(str(exc), code="schema_refused") from exc


async def _refusal(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, ModelError)  # registered for this class only
    status, body = error_json(exc)
    headers = {"Retry-After": str(math.ceil(exc.retry_after_s))} if isinstance(exc, ModelOverloaded) else {}
    return JSONResponse(body, status, headers)


class _WithKey:
    """Lets requests through that carry the key."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._has_key(scope):
            body = {"error": {"message": "The key is missing or wrong.", "type": "auth", "code": "wrong_key"}}
            await JSONResponse(body, 401)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _has_key(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)
