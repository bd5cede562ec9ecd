"""OpenAI's wire format, as far as the engine speaks it: the body of a request, and the chunks of a reply."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.models.errors import ModelError, ModelOverloaded, ModelRefused
from assistant.models.openai_wire import MAX_TASK
from assistant.models.types import Piece, Sampling, Usage
from assistant.orchestration.prompts import Message


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChatMessage(_Body):
    """One message; its content is text, because this engine neither sees nor hears."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class JsonSchema(_Body):
    """The `json_schema` member of OpenAI's response format."""

    name: str = "reply"
    description: str | None = None
    strict: bool | None = None
    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(_Body):
    """What form the reply takes."""

    type: Literal["text", "json_schema"] = "text"
    json_schema: JsonSchema | None = None


class StreamOptions(_Body):
    """What a stream carries besides text."""

    include_usage: bool = False


class _Chat(_Body):
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=512)]

    def chat(self) -> tuple[Message, ...]:
        """Return the messages."""
        return tuple(Message(message.role, message.content) for message in self.messages)


class ChatBody(_Chat):
    """The body of POST /v1/chat/completions. Unknown fields are refused: what cannot be done is said, not ignored."""

    model: str = ""
    max_tokens: Annotated[int, Field(ge=1, le=8192)] = 256
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Field(ge=0, le=1000)] = 0
    min_p: Annotated[float, Field(ge=0, lt=1)] = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    stop: Annotated[str, Field(max_length=128)] | Annotated[list[str], Field(max_length=16)] | None = None
    response_format: ResponseFormat | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Literal[1] = 1
    user: Annotated[str, Field(max_length=256)] | None = None
    task: Annotated[str, Field(max_length=MAX_TASK)] = ""  # ours: what kind of request it is, see guessing.py

    def sampling(self, schema: dict[str, Any] | None) -> Sampling:
        """Return how to sample; `schema` is the checked JSON schema."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Sampling(
            self.max_tokens, self.temperature, self.top_p, self.top_k, self.min_p, self.seed, stop, schema
        )  # fmt: skip


class TokenizeBody(_Chat):
    """The body of POST /tokenize."""

    model: str = ""


class Chunks:
    """Renders the pieces of one reply as OpenAI's chunks, or as one completion."""

    def __init__(self, reply_id: str, model: str) -> None:
        self._head = {"id": reply_id, "created": int(time.time()), "model": model}

    def chunk(self, piece: Piece, first: bool) -> dict[str, Any]:
        """Return a piece as a chat.completion.chunk."""
        delta: dict[str, Any] = {"role": "assistant"} if first else {}
        if piece.text or first:
            delta["content"] = piece.text
        choice = {"index": 0, "delta": delta, "finish_reason": piece.stopped_by}
        return {**self._head, "object": "chat.completion.chunk", "choices": [choice]}

    def usage(self, usage: Usage) -> dict[str, Any]:
        """Return the chunk that carries usage alone."""
        return {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": usage_json(usage)}

    def whole(self, text: str, last: Piece) -> dict[str, Any]:
        """Return the whole reply as a chat.completion."""
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": last.stopped_by}
        usage = usage_json(last.usage or Usage())
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": usage}


def usage_json(usage: Usage) -> dict[str, Any]:
    """Return usage in OpenAI's shape; an answer with guesses says how many were right."""
    total = usage.input_tokens + usage.output_tokens
    counted = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens, "total_tokens": total}
    if not usage.accepted_tokens and not usage.rejected_tokens:
        return counted
    guesses = {
        "accepted_prediction_tokens": usage.accepted_tokens,
        "rejected_prediction_tokens": usage.rejected_tokens,
    }
    return {**counted, "completion_tokens_details": guesses}


def sse(payload: dict[str, Any]) -> bytes:
    """Return one server-sent event."""
    return f"data: {json.dumps(payload, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def error_json(exc: ModelError) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body in OpenAI's shape for `exc`."""
    if isinstance(exc, ModelOverloaded):
        return 429, _error(str(exc), "overloaded", "overloaded")
    if isinstance(exc, ModelRefused):
        return 400, _error(str(exc), "invalid_request_error", exc.code)
    return 503, _error(str(exc), "unavailable", "unavailable")


def _error(message: str, kind: str, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code}}
