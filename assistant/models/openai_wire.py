"""OpenAI's wire format as a client writes and reads it: bodies from an allow-list, replies from chunks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from assistant.models.errors import ModelError, ModelOverloaded, ModelRefused, ModelUnavailable
from assistant.models.ranges import LABELS
from assistant.models.types import ModelRequest, Piece, Sampling, StopReason, Usage
from assistant.orchestration.prompts import Message

MAX_TOKENS = 8192
MAX_STOPS = 16
MAX_ALTERNATIVES = 20  # what vLLM tells unless it is started otherwise
MAX_TASK = 64  # characters
NOT_TAKEN = "X-Not-Taken"  # header in which our proxy names what of a request vLLM does not take


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a kind of server takes beyond plain OpenAI. A body is built from these fields and nothing else."""

    top_k_min_p: bool = False
    cache_salt: bool = False
    tools: bool = True
    tokenize: bool = False  # POST /tokenize counts the tokens of a chat
    probabilities: bool = False  # goes on with a reply that has begun, and tells the most probable next tokens
    task: bool = False  # takes the name of the prompt, which no server but our own engine is told


PLAIN = Dialect()
LOCAL = Dialect(top_k_min_p=True, tools=False, tokenize=True, task=True)
VLLM = Dialect(top_k_min_p=True, cache_salt=True, tokenize=True, probabilities=True)


def chat_body(request: ModelRequest, served_name: str, dialect: Dialect) -> dict[str, Any]:
    """Return the JSON body for POST /chat/completions, every number within the range that servers accept.

    Raises ModelRefused when the request needs what the server cannot do.
    """
    if request.tools and not dialect.tools:
        raise ModelRefused("This model cannot call tools. Ask one that can, or leave the tools out.", "no_tools")
    if (request.begun or request.alternatives) and not dialect.probabilities:
        raise ModelRefused("This model does not tell how probable its tokens are. Ask one of vLLM.", "no_probabilities")
    s = request.sampling
    body: dict[str, Any] = {
        "messages": messages_json(request.messages, dialect.tools),
        "max_tokens": _clamp(s.max_tokens, 1, MAX_TOKENS),
        "temperature": _clamp(s.temperature, 0.0, 2.0),
        "top_p": _clamp(s.top_p, 0.001, 1.0),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    optional = {
        "model": served_name or None,
        "seed": None if s.seed is None else int(_clamp(s.seed, 0, 2**31 - 1)),
        "stop": list(s.stop[:MAX_STOPS]) or None,
        "response_format": _response_format(s.json_schema),
        "top_k": int(_clamp(s.top_k, 1, 1000)) if dialect.top_k_min_p and s.top_k else None,
        "min_p": _clamp(s.min_p, 0.0, 0.99) if dialect.top_k_min_p and s.min_p else None,
        "cache_salt": request.cache_salt or None if dialect.cache_salt else None,
        "tools": list(request.tools) or None,
        "task": request.task[:MAX_TASK] or None if dialect.task else None,
    }
    if request.alternatives:
        body |= {"logprobs": True, "top_logprobs": int(_clamp(request.alternatives, 1, MAX_ALTERNATIVES))}
    if request.begun:
        body["messages"].append({"role": "assistant", "content": request.begun})
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body | {key: value for key, value in optional.items() if value is not None}


def unmet(name: str, sampling: Sampling, dialect: Dialect, told: str) -> str:
    """Return the sentence about values that somebody set themselves and the model `name` does not take, "" for none.

    `told` is what its server told in the header NOT_TAKEN.
    """
    given = {"top_k": sampling.top_k, "min_p": sampling.min_p}
    ignored = told.split(",") if dialect.top_k_min_p else list(given)
    lost = [LABELS[each] for each in given if given[each] and each in ignored and each in sampling.by_hand]
    many = "they change" if len(lost) > 1 else "it changes"
    return f"{name} takes no {' and no '.join(lost)}, so {many} nothing." if lost else ""


def messages_json(messages: Sequence[Message], tools: bool) -> list[dict[str, Any]]:
    """Return messages in OpenAI's shape; without `tools`, calls are left out and their results are plain messages."""
    return [_message_json(message, tools) for message in messages]


def _message_json(message: Message, tools: bool) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        seen = [{"type": "image_url", "image_url": {"url": url}} for url in message.images]
        wire["content"] = [{"type": "text", "text": message.content}, *seen]
    if tools and message.tool_calls:
        wire["tool_calls"] = [dict(call) for call in message.tool_calls]
    if tools and message.tool_call_id:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _response_format(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}} if schema else None


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high) if math.isfinite(value) else low


class Reply:
    """What the chunks of one reply have said so far."""

    def __init__(self) -> None:
        self.begun = False
        self.stopped_by: StopReason | None = None
        self._usage: Usage | None = None
        self._likely: tuple[tuple[str, float], ...] = ()
        self._tools: dict[int, dict[str, Any]] = {}

    def add(self, events: Iterable[Mapping[str, Any]]) -> Piece | None:
        """Return the new text of `events` as one piece; None when they carry none, and no probabilities.

        Raises ModelUnavailable when the server reports an error in the middle of its answer.
        """
        self._likely = ()
        text = "".join(self._read(event) for event in events)
        self.begun = self.begun or bool(text or self._tools)
        return Piece(text, likely=self._likely) if text or self._likely else None

    def last(self, model: str) -> Piece:
        """Return the piece that ends the reply. Raises ModelUnavailable when the stream ended without saying why."""
        if self.stopped_by is None:
            raise ModelUnavailable(f"The model {model!r} broke off in the middle of its answer.")
        calls = tuple(self._tools[index] for index in sorted(self._tools))
        return Piece(tool_calls=calls, stopped_by=self.stopped_by, usage=self._usage or Usage())

    def _read(self, event: Mapping[str, Any]) -> str:
        if error := event.get("error"):
            raise ModelUnavailable(f"The model gave up in the middle of its answer: {_message(error)}")
        if isinstance(usage := event.get("usage"), Mapping):
            self._usage = _usage(usage)
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, Mapping):
            return ""
        reason = choice.get("finish_reason")
        if reason is not None:
            self.stopped_by = reason if reason in get_args(StopReason) else "stop"
        self._likely = _likely(choice.get("logprobs")) or self._likely
        delta = choice.get("delta")
        if not isinstance(delta, Mapping):
            return ""
        for call in delta.get("tool_calls") or ():
            self._add_call(call)
        content = delta.get("content")
        return content if isinstance(content, str) else ""

    def _add_call(self, part: Mapping[str, Any]) -> None:
        """Join the fragments in which a tool call arrives."""
        whole = self._tools.setdefault(
            int(part.get("index", 0)), {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        )
        whole["id"] = whole["id"] or part.get("id") or ""
        function = part.get("function") or {}
        whole["function"]["name"] += function.get("name") or ""
        whole["function"]["arguments"] += function.get("arguments") or ""


def _likely(told: object) -> tuple[tuple[str, float], ...]:
    """Return the most probable tokens in the last place that `told` speaks of."""
    places = told.get("content") if isinstance(told, Mapping) else None
    if not isinstance(places, list) or not places:
        return ()
    return tuple((str(each["token"]), float(each["logprob"])) for each in places[-1].get("top_logprobs") or ())


def _usage(usage: Mapping[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    guesses = usage.get("completion_tokens_details") or {}
    return Usage(
        int(usage.get("prompt_tokens") or 0),
        int(usage.get("completion_tokens") or 0),
        int(details.get("cached_tokens") or 0),
        int(guesses.get("accepted_prediction_tokens") or 0),
        int(guesses.get("rejected_prediction_tokens") or 0),
    )


# Which of our errors an HTTP status is. 401, 403 and 404 are wrong settings of this one endpoint, so that another
# model may still answer; other 4xx say that the request itself is at fault.
_UNAVAILABLE = frozenset({401, 403, 404, 408})
_OVERLOADED = frozenset({429, 503})


def status_error(model: str, status: int, retry_after: str | None, detail: object) -> ModelError:
    """Return the error that an HTTP status other than 200 stands for; `detail` is the parsed body."""
    error = detail.get("error") if isinstance(detail, Mapping) else None
    said = _message(error)
    if status in _OVERLOADED:
        return ModelOverloaded(f"The model {model!r} is full (HTTP {status}): {said}", _seconds(retry_after))
    if status in _UNAVAILABLE or not 400 <= status < 500:
        return ModelUnavailable(f"The model {model!r} answered HTTP {status}: {said}")
    code = error.get("code") if isinstance(error, Mapping) else None
    return ModelRefused(f"The model {model!r} refused the request: {said}", str(code or "invalid_request"))


def _message(error: object) -> str:
    said = error.get("message") if isinstance(error, Mapping) else error
    return str(said or "no reason given")[:500]


def _seconds(retry_after: str | None) -> float:
    return min(float(retry_after), 300.0) if retry_after and re.fullmatch(r"\d{1,6}(\.\d+)?", retry_after) else 1.0


_PICTURE_TOKENS = 1_500  # about what a picture of a megapixel takes in the models of 2025
_UNITS = re.compile(r"[A-Za-z]+|\d|[^\sA-Za-z\d]")


def estimate(messages: Iterable[Message]) -> int:
    """Return an upper bound of the tokens of a chat in natural language, for servers that do not count.

    A word takes one token per three letters, every digit and sign its own, a letter beyond ASCII one per byte:
    for English text about a third more than common tokenizers need.
    """
    said = list(messages)
    pictures = _PICTURE_TOKENS * sum(len(message.images) for message in said)
    return sum(8 + sum(map(_tokens, _UNITS.findall(message.content))) for message in said) + 8 + pictures


def _tokens(unit: str) -> int:
    return math.ceil(len(unit) / 3) if unit.isascii() else len(unit.encode("utf-8", "replace"))
