"""A model behind any OpenAI-compatible URL: the only file that speaks HTTP to models.

It speaks through aiohttp: its parser is C, and what has arrived since the last look comes as one block. Two hundred
streams of a hundred tokens a second are twenty thousand events a second, which httpx, with Python's h11 and one block
per event, cannot carry on a core (benchmarks/chat_api.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import aiohttp

from assistant.models.errors import ModelError, ModelUnavailable
from assistant.models.openai_wire import (
    NOT_TAKEN,
    PLAIN,
    Dialect,
    Reply,
    chat_body,
    estimate,
    messages_json,
    status_error,
    unmet,
)  # fmt: skip
from assistant.models.recordings import MEDIA_TYPES, Recording
from assistant.models.sse_in import EventReader
from assistant.models.types import ModelRequest, Piece
from assistant.orchestration.prompts import Message

MAX_ERROR_BYTES = 20_000
MAX_WORDS_BYTES = 1_000_000  # of a transcript: some twenty hours of speech
# In seconds, how long to let text gather: people cannot tell, and what comes together costs as much as a single token.
# The beginning of a reply is read at once: the pause is no longer than the reply has lasted.
COALESCE_S = 0.05
# Behind the last event comes the end of the body, often in a packet of its own; a connection that saw it serves again,
# and a new one for each chat costs both sides more than the wait.
END_WAIT_S = 0.2
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
        self._client: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    def _session(self) -> aiohttp.ClientSession:
        """Return the connections, made inside the loop that uses them."""
        if self._client is None:
            self._client = _connections(self._timeouts.connect_s)
        return self._client

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces; closing the iterator closes the connection, which aborts the generation.

        Raises ModelUnavailable (no answer, or none in time), ModelOverloaded (429/503) or ModelRefused (4xx).
        """
        endpoint = self._locate()
        deadline = time.monotonic() + self._timeouts.first_token_s
        reader, reply, begun = EventReader(), Reply(), 0.0
        with self._translated(endpoint, reply):
            response = await self._post(endpoint, request, deadline)
        lost = unmet(self.name, request.sampling, self._dialect, response.headers.get(NOT_TAKEN, ""))
        try:
            while not reader.done and (block := await self._next(response.content, endpoint, deadline, reply)):
                piece = reply.add(reader.push(block))
                if piece is not None:
                    read = time.monotonic()
                    if lost and not begun:
                        piece = replace(piece, unmet=lost)
                    begun = begun or read
                    deadline = read + self._timeouts.inter_token_s
                    yield piece
                    if not (reader.done or reply.stopped_by):
                        await asyncio.sleep(min(COALESCE_S, read - begun) - (time.monotonic() - read))
            yield reply.last(self.name)
            await _end(response.content)
        finally:
            self.malformed_lines += reader.malformed
            if response.content.at_eof():
                response.release()  # the next request takes this connection
            else:
                response.close()

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
            async with (
                asyncio.timeout(self._timeouts.first_token_s),
                self._session().post(url, json=body, headers=_headers(endpoint), allow_redirects=False) as response,
            ):
                content = await _head(response)
        detail = _parsed(content)
        count = detail.get("count") if isinstance(detail, dict) else None
        if response.status != HTTPStatus.OK or not isinstance(count, int):
            raise self._status_error(response, content)
        return count

    async def _post(self, endpoint: Endpoint, request: ModelRequest, deadline: float) -> aiohttp.ClientResponse:
        url = endpoint.base_url.removesuffix("/") + "/chat/completions"
        body = json.dumps(chat_body(request, endpoint.served_name, self._dialect)).encode()
        async with asyncio.timeout(deadline - time.monotonic()):
            response = await self._session().post(url, data=body, headers=_headers(endpoint), allow_redirects=False)
            if response.status == HTTPStatus.OK:
                return response
            try:
                detail = await _head(response)
            finally:
                response.close()
        raise self._status_error(response, detail)

    async def _next(self, content: aiohttp.StreamReader, endpoint: Endpoint, deadline: float, reply: Reply) -> bytes:
        """Return what has come since the last look, at least a byte; nothing when no more comes or is needed."""
        finished = reply.stopped_by is not None
        try:
            with self._translated(endpoint, reply):
                async with asyncio.timeout(USAGE_WAIT_S if finished else deadline - time.monotonic()):
                    return await content.readany()
        except ModelUnavailable:
            if finished:
                return b""
            raise

    def _status_error(self, response: aiohttp.ClientResponse, detail: bytes) -> ModelError:
        return status_error(self.name, response.status, response.headers.get("Retry-After"), _parsed(detail))

    def _translated(self, endpoint: Endpoint, reply: Reply) -> contextlib.AbstractContextManager[None]:
        return _translated(self.name, endpoint, lambda: reply.begun)


class OpenAITranscriber:
    """A Transcriber behind POST /audio/transcriptions."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        """Give up on a recording after `timeout_s`."""
        self.name = endpoint.served_name or "speech"
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._client: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def transcribe(self, recording: Recording, language: str = "", prompt: str = "") -> str:
        """Return the words; raises ModelUnavailable, ModelOverloaded or ModelRefused."""
        self._client = self._client or _connections(Timeouts().connect_s)
        url = self._endpoint.base_url.removesuffix("/") + "/audio/transcriptions"
        form = _form(recording, model=self._endpoint.served_name, language=language, prompt=prompt)
        with _translated(self.name, self._endpoint, lambda: False):
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.post(url, data=form, headers=_key(self._endpoint), allow_redirects=False) as response,
            ):
                content = await _head(response, MAX_WORDS_BYTES)
        detail = _parsed(content)
        if response.status != HTTPStatus.OK:
            raise status_error(self.name, response.status, response.headers.get("Retry-After"), detail)
        said = detail.get("text") if isinstance(detail, dict) else None
        if not isinstance(said, str):
            raise ModelUnavailable(f"The model {self.name!r} answered without a text ({self._endpoint.base_url}).")
        # What no database can store is no speech: NUL, and halves of surrogate pairs that JSON can carry.
        return said.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _form(recording: Recording, **fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in fields.items():
        if value:
            form.add_field(name, value)
    form.add_field("response_format", "json")
    # A name of ours: servers go by its ending, and the sender's own is nobody else's business.
    name, kind = f"recording.{recording.form}", MEDIA_TYPES[recording.form]
    form.add_field("file", recording.data, filename=name, content_type=kind)
    return form


def _connections(connect_s: float) -> aiohttp.ClientSession:
    # Every stream holds a connection, so the pool must not be what limits them; admission is decided elsewhere.
    return aiohttp.ClientSession(
        # Servers on uvicorn, as vLLM, close what was idle for 5 s; a question sent in that moment would be lost.
        connector=aiohttp.TCPConnector(limit=1000, keepalive_timeout=4),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


@contextlib.contextmanager
def _translated(name: str, endpoint: Endpoint, begun: Callable[[], bool]) -> Iterator[None]:
    """Turn what aiohttp raises into our error."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError) as exc:
        what = next((sentence for kind, sentence in _TRANSLATIONS if isinstance(exc, kind)), None)
        if what is None:  # our own deadline
            what = "fell silent in the middle of its answer" if begun() else "said nothing"
            what += " for too long"
        raise ModelUnavailable(f"The model {name!r} {what} ({endpoint.base_url}).") from exc


# Most specific first; the last one is the root of all that aiohttp raises while it sends and receives.
_TRANSLATIONS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "did not accept the connection in time"),
    (aiohttp.ClientConnectorError, "cannot be reached"),
    (aiohttp.ClientPayloadError, "broke off in the middle"),
    (aiohttp.ServerDisconnectedError, "broke off in the middle"),
    (aiohttp.ClientOSError, "closed the connection in the middle"),
    (aiohttp.ClientError, "did not answer as HTTP demands"),
)


def fixed(endpoint: Endpoint) -> Locate:
    """Return a `Locate` for a server that does not move."""
    return lambda: endpoint


def _key(endpoint: Endpoint) -> dict[str, str]:
    return {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}


def _headers(endpoint: Endpoint) -> dict[str, str]:
    return {"Content-Type": "application/json", **_key(endpoint)}


async def _end(content: aiohttp.StreamReader) -> None:
    """Wait a moment for the end of a reply that is complete, reading nothing more than that."""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(END_WAIT_S):
            await content.readany()


async def _head(response: aiohttp.ClientResponse, most: int = MAX_ERROR_BYTES) -> bytes:
    """Return the beginning of a body that is not a stream, at most `most` bytes."""
    body = b""
    while len(body) < most and (block := await response.content.readany()):
        body += block
    return body[:most]


def _parsed(body: bytes) -> object:
    try:
        parsed: object = json.loads(body)
    except ValueError:
        return None
    return parsed
