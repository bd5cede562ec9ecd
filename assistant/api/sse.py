"""The frames of a streamed answer: OpenAI's chunks as server-sent events, with our own fields in `assistant`.

A frame is made once and sent to whoever reads the stream. Its `id` is `<turn id>:<number>`, so that a reader who lost
the connection can go on behind the last one that arrived.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from assistant.types import Answer, Citation, Route, Step
from assistant.wire import UsageJson, answer_json, citation_json, step_json

PING = b": ping\n\n"  # a comment; keeps proxies from closing a quiet connection
FINISH = {"length": "length", "tool_calls": "tool_calls"}  # OpenAI knows no "cancelled": those end with "stop"


_JSON_BEGINS = re.compile(
    r"\s*(?:[{\[\"\d-]|t(?:r(?:ue?)?)?$|true\b|f(?:a(?:l(?:se?)?)?)?$|false\b|n(?:u(?:ll?)?)?$|null\b)"
)
# What follows the text in a chunk that holds nothing else.
_AFTER_TEXT = b'},"finish_reason":null,"logprobs":null}]}'


@dataclass(frozen=True)
class Wire:
    """What all chunks of one answer have in common."""

    turn_id: str
    model: str
    conversation_id: str | None
    include_usage: bool
    created: int
    structured: bool = False  # JSON was asked for

    @cached_property
    def _before_text(self) -> bytes:
        whole = self.chunk({"content": ""})
        return whole.removesuffix(b'""' + _AFTER_TEXT)

    def chunk(self, delta: dict[str, Any], finish: str | None = None, **ours: Any) -> bytes:
        """Return one chunk as JSON; `ours` becomes the field `assistant`."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return self._json([choice], {"assistant": ours} if ours else {})

    def begin(self) -> bytes:
        """Return the first chunk, which names the role, the turn and the conversation."""
        delta = {"role": "assistant", "content": ""}
        return self.chunk(delta, turn_id=self.turn_id, conversation_id=self.conversation_id)

    def refuses(self, answer: str) -> bool:
        """Return whether an answer, or its beginning, is a sentence where JSON was asked for: OpenAI's `refusal`.

        Abstentions, quotes and curated answers are sentences; who parses JSON must not meet them.
        """
        return self.structured and bool(answer.strip()) and not _JSON_BEGINS.match(answer)

    def refusal(self, text: str) -> bytes:
        """Return a chunk with a piece of an answer that is a sentence where JSON was asked for."""
        return self.chunk({"refusal": text})

    def text(self, text: str, cited: Sequence[Citation] = ()) -> bytes:
        """Return a chunk with a piece of the answer, and the citations that it is the first to use."""
        if not cited:  # almost all chunks; written by hand, this takes a third of the time
            return self._before_text + json.dumps(text).encode() + _AFTER_TEXT
        return self.chunk({"content": text}, citations=[citation_json(citation) for citation in cited])

    def step(self, step: Step) -> bytes:
        """Return a chunk that tells what was just done."""
        return self.chunk({}, step=step_json(step))

    def notice(self, sentence: str) -> bytes:
        """Return a chunk that tells that something does not go as usual."""
        return self.chunk({}, notice=sentence)

    def queued(self, position: int) -> bytes:
        """Return a chunk that tells the place in the queue, from 1."""
        return self.chunk({}, queue={"position": position})

    def end(self, answer: Answer, replaces_text: bool) -> list[bytes]:
        """Return the closing chunks. `replaces_text`: what was streamed is not the answer, which `text` then holds."""
        extra: dict[str, Any] = {"text": answer.text} if replaces_text else {}
        calls = _tool_calls(answer)
        asked = [self.chunk({"tool_calls": [{"index": n, **call} for n, call in enumerate(calls)]})] if calls else []
        closing = [*asked, self.chunk({}, FINISH.get(answer.stopped_by, "stop"), **self.about(answer), **extra)]
        if self.include_usage:
            closing.append(self._json([], {"usage": openai_usage(answer_json(answer)["usage"])}))
        return [*closing, b"[DONE]"]

    def about(self, answer: Answer) -> dict[str, Any]:
        """Return the field `assistant` that describes a whole answer."""
        whole: dict[str, Any] = dict(answer_json(answer))
        del whole["answer"], whole["usage"]
        return {"conversation_id": self.conversation_id, "turn_id": self.turn_id, **whole}

    def completion(self, answer: Answer) -> dict[str, Any]:
        """Return the answer as OpenAI's `chat.completion`, for requests that do not stream."""
        calls = _tool_calls(answer)
        refused = self.refuses(answer.text)
        content, refusal = (None, answer.text) if refused else (answer.text, None)
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": refusal}
        message |= {"tool_calls": calls} if calls else {}
        finish = FINISH.get(answer.stopped_by, "stop")
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        return {
            "id": f"chatcmpl-{self.turn_id}",
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "usage": openai_usage(answer_json(answer)["usage"]),
            "assistant": self.about(answer),
        }

    def _json(self, choices: list[dict[str, Any]], more: dict[str, Any]) -> bytes:
        head = {"id": f"chatcmpl-{self.turn_id}", "object": "chat.completion.chunk", "created": self.created}
        return json.dumps({**head, "model": self.model, "choices": choices, **more}, separators=(",", ":")).encode()


def _tool_calls(answer: Answer) -> list[dict[str, Any]]:
    """Return the calls that wait, as OpenAI writes calls; a tool message "approve" or "refuse" decides."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.skill, "arguments": json.dumps(call.arguments)}}
        for call in answer.approvals
        if call.state == "waiting"
    ]


def wire(turn_id: str, model: str, conversation_id: str | None, include_usage: bool, structured: bool = False) -> Wire:
    """Return the frame maker of one answer that begins now; `structured`: JSON was asked for."""
    return Wire(turn_id, model, conversation_id, include_usage, int(time.time()), structured)


def frame(turn_id: str, number: int, data: bytes) -> bytes:
    """Return a server-sent event; `data` is one line of JSON or a bare word."""
    return b"id: %b:%d\ndata: %b\n\n" % (turn_id.encode(), number, data)


def last_number(turn_id: str, event_id: str) -> int | None:
    """Return the number in a Last-Event-ID of this turn, None when it is not one."""
    prefix, _, number = event_id.rpartition(":")
    return int(number) if prefix == turn_id and number.isascii() and number.isdigit() and len(number) < 10 else None


def openai_usage(usage: UsageJson) -> dict[str, Any]:
    """Return the tokens of an answer under OpenAI's names."""
    return {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["input_tokens"] + usage["output_tokens"],
        "prompt_tokens_details": {"cached_tokens": usage["cached_tokens"]},
    }


def interrupted(text: str, cited: tuple[Citation, ...], stopped_by: str, notice: str | None) -> Answer:
    """Return the answer of a turn that ended before its end: what was said until then, marked as not checked whole."""
    return Answer(
        text=text,
        citations=cited,
        abstained=False,
        grounded=False,
        degraded=False,
        route=Route(model="none", adapter=None, tier="none", strategy="none"),
        notice=notice,
        stopped_by=stopped_by,
    )
