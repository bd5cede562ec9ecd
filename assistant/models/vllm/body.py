"""What reaches vLLM: a body made anew from the fields that we know, with every number within its range. Pure.

A field that is not named here never arrives, whatever the client sends.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.models.errors import ModelRefused

MAX_TOKENS = 8192
MAX_MESSAGES = 1_000
MAX_CHARACTERS = 4_000_000
MAX_TOOLS = 128
MAX_STOPS = 16
MAX_PARTS = 16
MAX_ALTERNATIVES = 20  # vLLM's own limit unless it is told another
SCHEMA_CHARACTERS = 20_000  # of one schema; vLLM compiles it and keeps what it compiled
SCHEMA_DEPTH = 16
ROLES = frozenset({"system", "user", "assistant", "tool"})
_PICTURE = re.compile(r"data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/=]+")
_SALT = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_CALL_ID = re.compile(r"[A-Za-z0-9_.:-]{1,80}")

# field -> lowest and highest value
_FLOATS = {"temperature": (0.0, 2.0), "top_p": (0.001, 1.0), "min_p": (0.0, 0.99)}
_INTEGERS = {"max_tokens": (1, MAX_TOKENS), "top_k": (1, 1_000), "seed": (0, 2**31 - 1)}


@dataclass(frozen=True, slots=True)
class Served:
    """What the server has."""

    base: str  # the model of a request that names none
    models: Collection[str]  # with the base model
    most_tokens: int  # of one answer; vLLM refuses a request for more than fits
    tools: bool = True  # it was told how its models call tools
    spared: frozenset[str] = frozenset()  # fields of sampling that it does not get, see `spared`


def chat(body: object, served: Served) -> dict[str, Any]:
    """Return the body for POST /v1/chat/completions.

    Raises ModelRefused (code "model_not_found", "no_tools" or "invalid_request") when something that matters is wrong.
    """
    given = _object(body)
    if given.get("tools") and not served.tools:
        raise ModelRefused("This server calls no tools; its deployment names no `tool_parser`.", "no_tools")
    made: dict[str, Any] = {
        "model": _model(given.get("model", served.base), served.models),
        "messages": _messages(given.get("messages")),
        "max_tokens": min(256, served.most_tokens),
        "n": 1,
        "stream": given.get("stream") is True,
    }
    if made["stream"]:
        made["stream_options"] = {"include_usage": True}
    for name, (low, high) in _FLOATS.items():
        if (value := _number(given, name)) is not None:
            made[name] = min(max(value, low), high)
    for name, (least, most) in _INTEGERS.items():
        if (value := _number(given, name)) is not None and not (name == "top_k" and value <= 0):
            made[name] = int(min(max(value, least), most if name != "max_tokens" else min(most, served.most_tokens)))
    for name in served.spared:
        made.pop(name, None)
    made |= _continued(given, made["messages"])
    optional = {
        "stop": _stops(given.get("stop")),
        "response_format": _format(given.get("response_format")),
        "cache_salt": _salt(given.get("cache_salt")),
        "tools": _tools(given.get("tools")),
    }
    return made | {name: value for name, value in optional.items() if value is not None}


def spared(guesses: bool, on_processor: bool) -> frozenset[str]:
    """Return the fields of sampling that vLLM 0.32 cannot take while it guesses tokens.

    It refuses a min-p, and on a processor it dies of a top-k: its C++ `expand_kernel_impl`, called by the rejection
    sampler, leaves integers unset ("index 2116133552 is out of bounds").
    """
    return frozenset({"min_p"} | ({"top_k"} if on_processor else set())) if guesses else frozenset()


def not_taken(body: object, served: Served) -> tuple[str, ...]:
    """Return the names of what `chat` leaves out of a body though it would change the answer."""
    given = _object(body)
    return tuple(name for name in sorted(served.spared) if (_number(given, name) or 0) > 0)


def tokenize(body: object, served: Served) -> dict[str, Any]:
    """Return the body for POST /tokenize. Raises what `chat` raises."""
    given = _object(body)
    return {
        "model": _model(given.get("model", served.base), served.models),
        "messages": _messages(given.get("messages")),
    }


def _continued(given: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields that ask for probabilities, and for going on with a last message of the assistant's."""
    made: dict[str, Any] = {}
    if given.get("logprobs") is True and (most := _number(given, "top_logprobs")) is not None:
        made = {"logprobs": True, "top_logprobs": int(min(max(most, 0), MAX_ALTERNATIVES))}
    if given.get("continue_final_message") is True:
        if messages[-1]["role"] != "assistant":
            raise ModelRefused("`continue_final_message` goes on with a last message of the role assistant.")
        made |= {"continue_final_message": True, "add_generation_prompt": False}
    return made


def _object(body: object) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise ModelRefused("The body must be a JSON object.")
    return body


def _model(name: object, models: Collection[str]) -> str:
    if isinstance(name, str) and name in models:
        return name
    known = ", ".join(sorted(models))
    raise ModelRefused(f"There is no model {str(name)[:80]!r} here. Served: {known}.", "model_not_found")


def _messages(messages: object) -> list[dict[str, Any]]:
    if not isinstance(messages, list) or not 1 <= len(messages) <= MAX_MESSAGES:
        raise ModelRefused(f"`messages` must be a list of 1 to {MAX_MESSAGES}.")
    made = [_message(message) for message in messages]
    if sum(_length(message["content"]) for message in made) > MAX_CHARACTERS:
        raise ModelRefused(f"The messages have more than {MAX_CHARACTERS} characters.", "context_length_exceeded")
    return made


def _message(message: object) -> dict[str, Any]:
    given = _object(message)
    role, content = given.get("role"), given.get("content")
    if role == "user" and isinstance(content, list):
        return {"role": role, "content": _parts(content)}
    if role not in ROLES or not isinstance(content if content is not None else "", str):
        raise ModelRefused("A message has a `role` (system, user, assistant or tool) and a `content` that is text.")
    made: dict[str, Any] = {"role": role, "content": content or ""}
    if isinstance(calls := given.get("tool_calls"), list) and calls:
        made["tool_calls"] = [_call(call) for call in calls[:MAX_TOOLS]]
    if isinstance(call_id := given.get("tool_call_id"), str) and _CALL_ID.fullmatch(call_id):
        made["tool_call_id"] = call_id
    return made


def _parts(parts: Sequence[object]) -> list[dict[str, Any]]:
    """Return the parts of a message with pictures, which are data and never addresses that vLLM would fetch."""
    made: list[dict[str, Any]] = []
    for part in map(_object, parts[:MAX_PARTS]):
        text, image = part.get("text"), part.get("image_url")
        url = image.get("url") if isinstance(image, Mapping) else None
        if part.get("type") == "text" and isinstance(text, str):
            made.append({"type": "text", "text": text})
        elif part.get("type") == "image_url" and isinstance(url, str) and _PICTURE.fullmatch(url):
            made.append({"type": "image_url", "image_url": {"url": url}})
        else:
            raise ModelRefused("A part of a message is a text, or a picture as a data URL of PNG, JPEG or WebP.")
    return made


def _length(content: str | list[dict[str, Any]]) -> int:
    return len(content) if isinstance(content, str) else sum(len(part.get("text", "")) for part in content)


def _call(call: object) -> dict[str, Any]:
    function = _object(_object(call).get("function"))
    name, arguments = str(function.get("name", ""))[:64], str(function.get("arguments", ""))
    call_id = str(_object(call).get("id", ""))[:80]
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _tools(tools: object) -> list[dict[str, Any]] | None:
    if not isinstance(tools, list) or not tools:
        return None
    return [_tool(tool) for tool in tools[:MAX_TOOLS]]


def _tool(tool: object) -> dict[str, Any]:
    function = _object(_object(tool).get("function"))
    described = {
        "name": str(function.get("name", ""))[:64],
        "description": str(function.get("description", ""))[:4_000],
    }
    return {"type": "function", "function": {**described, "parameters": _schema(function.get("parameters") or {})}}


def _format(given: object) -> dict[str, Any] | None:
    if not isinstance(given, Mapping) or given.get("type") == "text":
        return None
    if given.get("type") == "json_object":
        return {"type": "json_object"}
    if given.get("type") != "json_schema":
        raise ModelRefused("`response_format` is of type text, json_object or json_schema.")
    schema = _schema(_object(given.get("json_schema")).get("schema"))
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}


def _schema(schema: object) -> Mapping[str, Any]:
    found = _object(schema)
    if _depth(found) > SCHEMA_DEPTH or len(json.dumps(found)) > SCHEMA_CHARACTERS:
        raise ModelRefused(f"A schema has at most {SCHEMA_CHARACTERS} characters and {SCHEMA_DEPTH} levels.")
    return found


def _depth(value: object, level: int = 0) -> int:
    if level > SCHEMA_DEPTH:
        return level
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return max((_depth(one, level + 1) for one in inside), default=level)


def _stops(stop: object) -> list[str] | None:
    given = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    return [one[:200] for one in given if isinstance(one, str) and one][:MAX_STOPS] or None


def _salt(salt: object) -> str | None:
    return salt if isinstance(salt, str) and _SALT.fullmatch(salt) else None


def _number(given: Mapping[str, Any], name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ModelRefused(f"`{name}` must be a number.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ModelRefused(f"`{name}` must be a finite number.")
    return value
