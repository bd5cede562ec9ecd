"""What others see of vLLM: seven routes with a key, and nothing else. vLLM itself listens on a private socket.

POST   /v1/chat/completions   the body is made anew, see body.py
GET    /v1/models             the base model and the loaded adapters
POST   /tokenize              how many tokens a chat takes
GET    /health                by tokens, see progress.py
GET    /adapters              the registry, with what is loaded and why something cannot be
PUT    /adapters/{name}       load; takes a name of the registry, never a path
DELETE /adapters/{name}       unload
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from assistant.models.errors import AdapterRefused, ModelRefused, ModelUnavailable
from assistant.models.openai_wire import NOT_TAKEN
from assistant.models.vllm import body as bodies
from assistant.models.vllm.adapters import Adapters
from assistant.models.vllm.heard import Heard
from assistant.models.vllm.progress import Progress
from assistant.models.vllm.upstream import Upstream

MAX_BODY_BYTES = 8_000_000
MAX_ERROR_BYTES = 20_000
BODY_S = 30.0
SILENT_S = 30.0  # with work in hand; then /health says 503

log = logging.getLogger(__name__)
Endpoint = Callable[[Request], Awaitable[Response]]


class Proxy:
    """The routes over one vLLM server."""

    def __init__(self, upstream: Upstream, adapters: Adapters, progress: Progress, key: str) -> None:
        """`key` is the bearer token that every route but /health needs."""
        self._upstream = upstream
        self._adapters = adapters
        self._progress = progress
        self._key = key.encode()

    def application(self) -> Starlette:
        """Return the ASGI application."""
        routes = [
            Route("/v1/chat/completions", self._guarded(self._chat), methods=["POST"]),
            Route("/v1/models", self._guarded(self._models)),
            Route("/tokenize", self._guarded(self._tokenize), methods=["POST"]),
            Route("/health", self._health),
            Route("/adapters", self._guarded(self._list)),
            Route("/adapters/{name}", self._guarded(self._load), methods=["PUT"]),
            Route("/adapters/{name}", self._guarded(self._unload), methods=["DELETE"]),
        ]
        return Starlette(routes=routes)

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
            if not hmac.compare_digest(given, self._key):
                return _error(401, "The key is missing or wrong.", "invalid_api_key")
            try:
                return await endpoint(request)
            except ModelRefused as exc:
                return _error(404 if exc.code == "model_not_found" else 400, str(exc), exc.code)
            except AdapterRefused as exc:
                return _error(409, str(exc), "adapter_refused")
            except ModelUnavailable as exc:
                # Not 503, which is what a full queue says: who is told that waits, and does not count it as a failure.
                return _error(502, str(exc), "engine_down")
            except ClientDisconnect:
                return Response(status_code=400)

        return answer

    async def _chat(self, request: Request) -> Response:
        given, served = await _json(request), self._adapters.served
        made = bodies.chat(given, served)
        if made["stream"]:
            answer = await self._stream(made)
            if names := bodies.not_taken(given, served):
                answer.headers[NOT_TAKEN] = ",".join(names)
            return answer
        self._progress.begins()
        try:
            answer = await self._whole("/v1/chat/completions", made)
        finally:
            self._progress.ends()
        self._progress.token()
        heard = Heard(made["max_tokens"])
        heard.add(bytes(answer.body))
        self._progress.answered(heard.mute)
        return answer

    async def _tokenize(self, request: Request) -> Response:
        made = bodies.tokenize(await _json(request), self._adapters.served)
        return await self._whole("/tokenize", made)

    async def _whole(self, path: str, made: dict[str, Any]) -> Response:
        async with self._upstream.post(path, made) as answer:
            content = await answer.aread()
        return Response(content, answer.status_code, media_type="application/json")

    async def _stream(self, made: dict[str, Any]) -> Response:
        """Return vLLM's events as they come; each block is progress."""
        async with AsyncExitStack() as stack:
            self._progress.begins()
            stack.callback(self._progress.ends)
            answer = await stack.enter_async_context(self._upstream.post("/v1/chat/completions", made))
            if answer.status_code != HTTPStatus.OK:
                content = (await answer.aread())[:MAX_ERROR_BYTES]
                self._progress.token()  # it answered, if only to refuse
                return Response(content, answer.status_code, media_type="application/json")
            return _Events(self._blocks(answer, Heard(made["max_tokens"])), stack.pop_all())

    async def _blocks(self, answer: httpx.Response, heard: Heard) -> AsyncGenerator[bytes, None]:
        try:
            async for block in answer.aiter_raw():
                self._progress.token()
                heard.add(block)
                yield block
            self._progress.answered(heard.mute)
        except httpx.HTTPError as exc:
            # Without [DONE] and a finish reason: whoever reads knows that the answer is not whole.
            log.warning("vLLM broke off in the middle of an answer: %s", type(exc).__name__)

    async def _models(self, _request: Request) -> Response:
        served = sorted(self._adapters.served.models)
        length = await self._upstream.context_tokens()
        known = {"object": "model", **({"max_model_len": length} if length else {})}
        return JSONResponse({"object": "list", "data": [{"id": name, **known} for name in served]})

    async def _health(self, _request: Request) -> Response:
        silent_s = self._progress.silent_s()
        well = silent_s < SILENT_S and not self._progress.mute and not self._adapters.broken
        ready = well and await self._upstream.models() is not None
        known = {"jobs": self._progress.jobs, "tokens": self._progress.tokens, "silent_s": round(silent_s, 1)}
        guesses = await self._upstream.guesses() if ready else {}
        return JSONResponse({"ready": ready, **known, **guesses}, 200 if ready else 503)

    async def _list(self, _request: Request) -> Response:
        return JSONResponse({"adapters": [asdict(offer) for offer in await self._adapters.offers()]})

    async def _load(self, request: Request) -> Response:
        await self._adapters.load(request.path_params["name"])
        return await self._list(request)

    async def _unload(self, request: Request) -> Response:
        await self._adapters.unload(request.path_params["name"])
        return await self._list(request)


class _Events(StreamingResponse):
    """Events whose source is closed with the response, also when its client left before the first one."""

    def __init__(self, blocks: AsyncGenerator[bytes, None], held: AsyncExitStack) -> None:
        super().__init__(blocks, media_type="text/event-stream")
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)


async def _json(request: Request) -> object:
    """Return the body; raises ModelRefused when it is too large, too slow, or not JSON."""
    content = b""
    try:
        async with asyncio.timeout(BODY_S):
            async for block in request.stream():
                content += block
                if len(content) > MAX_BODY_BYTES:
                    raise ModelRefused(f"The body is larger than {MAX_BODY_BYTES} bytes.")
        parsed: object = json.loads(content)
    except TimeoutError as exc:
        raise ModelRefused(f"The body did not arrive within {BODY_S:g} s.") from exc
    except (ValueError, RecursionError) as exc:
        raise ModelRefused("The body is not JSON.") from exc
    return parsed


def _error(status: int, message: str, code: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "invalid_request_error", "code": code}}, status)
