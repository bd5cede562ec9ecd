"""A model behind any OpenAI-compatible URL: the only file that speaks HTTP to models."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import httpx

from assistant.models.errors import ModelError, ModelUnavailable
from assistant.models.openai_wire import PLAIN, Dialect, Reply, chat_body, estimate, messages_json, status_error
from assistant.models.sse_in import EventReader
from assistant.models.types import ModelRequest, Piece
from assistant.orchestration.prompts import Message

MAX_ERROR_BYTES = 20_000
# After the finish reason only the usage is due; an answer that is complete does not wait longer for it.
USAGE_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is served: the URL that ends in /v1, and its bearer token ("" for none)."""

    base_url: str
    api_key: str = field(default="", repr=False)
    served_name: str = ""  # what the server calls the model; "" leaves the choice to it


Locate = Callable[[], Endpoint]
"""Tells where the model is now: the local engine moves to another port when its adapter changes.

Raises ModelUnavailable while it is nowhere.
"""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds."""

    connect_s: float = 3.0
    first_token_s: float = 60.0
    inter_token_s: float = 8.0


class OpenAIModel:
    """A ChatModel that streams from POST /chat/completions."""

    def __init__(
        self, name: str, locate: Locate, context_tokens: int, timeouts: Timeouts, dialect: Dialect = PLAIN
    ) -> None:
        self.name = name
        self.context_tokens = context_tokens
        self.malformed_lines = 0  # since the start; a server that sends many is broken
        self._locate = locate
        self._timeouts = timeouts
        self._dialect = dialect
        # Every stream holds a connection, so the pool must not be what limits them; admission is decided elsewhere.
        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=32, keepalive_expiry=15)
        waits = httpx.Timeout(None, connect=timeouts.connect_s)
        self._client = httpx.AsyncClient(limits=limits, timeout=waits, trust_env=False, follow_redirects=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces; closing the iterator closes the connection, which aborts the generation.

        Raises ModelUnavailable (no answer, or none in time), ModelOverloaded (429/503) or ModelRefused (4xx).
        """
        endpoint = self._locate()
        deadline = time.monotonic() + self._timeouts.first_token_s
        reader, reply = EventReader(), Reply()
        with self._translated(endpoint, reply):
            response = await self._post(endpoint, request, deadline)
        try:
            blocks = response.aiter_bytes()
            while not reader.done and (block := await self._next(blocks, endpoint, deadline, reply)) is not None:
                piece = reply.add(reader.push(block))
                if piece is not None:
                    deadline = time.monotonic() + self._timeouts.inter_token_s
                    yield piece
            yield reply.last(self.name)
        finally:
            self.malformed_lines += reader.malformed
            await response.aclose()

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Return how many tokens the rendered chat takes; `estimate` where the server does not tell.

        Raises what `stream` raises.
        """
        if not self._dialect.tokenize:
            return estimate(messages)
        endpoint = self._locate()
        model = {"model": endpoint.served_name} if endpoint.served_name else {}
        body = {"messages": messages_json(messages, self._dialect.tools), **model}
        url = endpoint.base_url.removesuffix("/").removesuffix("/v1") + "/tokenize"
        with self._translated(endpoint, Reply()):
            async with asyncio.timeout(self._timeouts.first_token_s):
                response = await self._client.post(url, json=body, headers=_headers(endpoint))
        detail = _parsed(response.content)
        count = detail.get("count") if isinstance(detail, dict) else None
        if response.status_code != httpx.codes.OK or not isinstance(count, int):
            raise self._status_error(response, response.content)
        return count

    async def _post(self, endpoint: Endpoint, request: ModelRequest, deadline: float) -> httpx.Response:
        url = endpoint.base_url.removesuffix("/") + "/chat/completions"
        body = json.dumps(chat_body(request, endpoint.served_name, self._dialect))
        call = self._client.build_request("POST", url, content=body, headers=_headers(endpoint))
        async with asyncio.timeout(deadline - time.monotonic()):
            response = await self._client.send(call, stream=True)
            if response.status_code == httpx.codes.OK:
                return response
            try:
                detail = await _head(response)
            finally:
                await response.aclose()
        raise self._status_error(response, detail)

    async def _next(
        self, blocks: AsyncIterator[bytes], endpoint: Endpoint, deadline: float, reply: Reply
    ) -> bytes | None:
        """Return the next bytes, None when there are none, or none are needed any more."""
        finished = reply.stopped_by is not None
        try:
            with self._translated(endpoint, reply):
                async with asyncio.timeout(USAGE_WAIT_S if finished else deadline - time.monotonic()):
                    return await anext(blocks, None)
        except ModelUnavailable:
            if finished:
                return None
            raise

    def _status_error(self, response: httpx.Response, detail: bytes) -> ModelError:
        return status_error(self.name, response.status_code, response.headers.get("Retry-After"), _parsed(detail))

    @contextlib.contextmanager
    def _translated(self, endpoint: Endpoint, reply: Reply) -> Iterator[None]:
        """Turn what httpx raises into our error."""
        try:
            yield
        except TimeoutError as exc:
            what = "fell silent in the middle of its answer" if reply.begun else "said nothing"
            raise ModelUnavailable(f"The model {self.name!r} {what} for too long ({endpoint.base_url}).") from exc
        except httpx.HTTPError as exc:
            what = next(sentence for kind, sentence in _TRANSLATIONS if isinstance(exc, kind))
            raise ModelUnavailable(f"The model {self.name!r} {what} ({endpoint.base_url}).") from exc


# Most specific first; the last one is the root of all that httpx raises while it sends and receives.
_TRANSLATIONS: tuple[tuple[type[httpx.HTTPError], str], ...] = (
    (httpx.ConnectError, "cannot be reached"),
    (httpx.ConnectTimeout, "did not accept the connection in time"),
    (httpx.TimeoutException, "did not move in time"),
    (httpx.RemoteProtocolError, "broke off in the middle"),
    (httpx.ReadError, "closed the connection in the middle"),
    (httpx.HTTPError, "did not answer as HTTP demands"),
)


def fixed(endpoint: Endpoint) -> Locate:
    """Return a `Locate` for a server that does not move."""
    return lambda: endpoint


def _headers(endpoint: Endpoint) -> dict[str, str]:
    key = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
    return {"Content-Type": "application/json", **key}


async def _head(response: httpx.Response) -> bytes:
    """Return the beginning of an error body."""
    body = b""
    async for block in response.aiter_bytes():
        body += block
        if len(body) >= MAX_ERROR_BYTES:
            break
    return body[:MAX_ERROR_BYTES]


def _parsed(body: bytes) -> object:
    try:
        parsed: object = json.loads(body)
    except ValueError:
        return None
    return parsed
