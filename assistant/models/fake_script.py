"""What the fake server says, and what goes wrong while it does: data and pure functions only."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

# A request's body -> what is said to it, or the calls (name, arguments as JSON) that are made
Acts = Callable[[dict[str, Any]], str | Sequence[tuple[str, str]]]

KINDS = ("none", "refuse", "reset", "die", "no_done", "stall", "malformed", "status", "zombie", "slow_start")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the next `times` chats (-1: with all of them).

    refuse      the connection is closed before a status line
    reset       RST after `after` tokens
    die         FIN after `after` tokens, in the middle of a chunked body
    no_done     all tokens, then FIN without finish reason and without [DONE]
    stall       silence after `after` tokens, with the connection open
    malformed   a data line that is not JSON before token `after`
    status      HTTP `status` with Retry-After 1 and our error's `code`, such as engine_down of a proxy without engine
    zombie      the request is read and never answered, while /health says 200
    slow_start  `seconds` before the first token
    """

    kind: str = "none"
    after: int = 0
    times: int = -1
    status: int = 503
    seconds: float = 0.0
    code: str = "scripted"


@dataclass(slots=True)
class Script:
    """What the server says, and how fast."""

    name: str = "fake"
    sentences: Sequence[str] = tuple(f"Sentence number {n} says that the value is {n * 7} [1]." for n in range(1, 201))
    tokens: int = 60  # of a whole reply; a request's max_tokens may cut it
    rate: float = 0.0  # tokens per second; 0 is as fast as possible
    context_tokens: int = 8192
    key: str = ""
    speculate: int = 0  # more than 0: /health counts the answers by task, as our engine does when it guesses
    acts: Acts | None = None  # takes the place of `sentences`
    faults: deque[Fault] = field(default_factory=deque)

    def reply(self, body: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
        """Return the tokens of the reply to a request, and the calls that it makes."""
        if self.acts is None:
            return self.words(), []
        said = self.acts(body)
        if isinstance(said, str):
            return re.findall(r"\S+\s*", said), []
        functions = [{"name": each[0], "arguments": each[1]} for each in said]
        return [], [{"id": f"call_{n}", "type": "function", "function": f} for n, f in enumerate(functions, start=1)]

    def words(self) -> list[str]:
        """Return the tokens of a whole reply; they join to whole sentences but for the last."""
        words: list[str] = []
        for sentence in self.sentences:
            words += [f" {word}" if words or n else word for n, word in enumerate(sentence.split(" "))]
            if len(words) >= self.tokens:
                break
        return words[: self.tokens]

    def next_fault(self) -> Fault:
        """Return the fault of the chat that begins now, and count it."""
        if not self.faults:
            return Fault()
        fault = self.faults[0]
        if fault.times == 1:
            self.faults.popleft()
        elif fault.times > 1:
            self.faults[0] = replace(fault, times=fault.times - 1)
        return fault


class FakeReply:
    """One reply's words and how they are written."""

    def __init__(
        self, name: str, body: dict[str, Any], words: list[str], used: int, calls: Sequence[dict[str, Any]] = ()
    ) -> None:
        """`words` is the whole reply, which the body may cut; `used` the tokens of the prompt."""
        self._calls = list(calls)
        limit = int(body.get("max_tokens") or 256)
        stops = body.get("stop") or []
        text = "".join(words)
        found = [at for stop in ([stops] if isinstance(stops, str) else stops) if (at := text.find(stop)) >= 0]
        if found:
            words = _upto(words, min(found))
        self.reason = "tool_calls" if calls else "length" if len(words) > limit else "stop"
        self.words = words[:limit]
        self.usage = {
            "prompt_tokens": used,
            "completion_tokens": len(self.words),
            "total_tokens": used + len(self.words),
        }
        self._head = f'data: {{"id":"fake","object":"chat.completion.chunk","created":0,"model":{json.dumps(name)},'
        self._name = name

    def event(self, word: str) -> bytes:
        """Return the event of one word."""
        return f'{self._head}"choices":[{{"index":0,"delta":{{"content":{json.dumps(word)}}}}}]}}\n\n'.encode()

    def end(self) -> bytes:
        """Return the events after the last word."""
        delta = {"tool_calls": [{"index": n, **call} for n, call in enumerate(self._calls)]} if self._calls else {}
        choice = json.dumps({"index": 0, "delta": delta, "finish_reason": self.reason})
        finish = f'{self._head}"choices":[{choice}]}}\n\n'
        return f'{finish}{self._head}"choices":[],"usage":{json.dumps(self.usage)}}}\n\ndata: [DONE]\n\n'.encode()

    def whole(self) -> dict[str, Any]:
        """Return the reply in one piece."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self.words)}
        message |= {"tool_calls": self._calls} if self._calls else {}
        choice = {"index": 0, "message": message, "finish_reason": self.reason}
        return {
            "id": "fake",
            "object": "chat.completion",
            "created": 0,
            "model": self._name,
            "choices": [choice],
            "usage": self.usage,
        }


def _upto(words: list[str], at: int) -> list[str]:
    """Return the words whose text ends at character `at`."""
    kept, length = [], 0
    for word in words:
        if length >= at:
            break
        kept.append(word[: at - length])
        length += len(word)
    return kept


def count_tokens(body: dict[str, Any]) -> int:
    """Return the number of words, plus two for each message."""
    return sum(2 + len(str(message.get("content", "")).split()) for message in body.get("messages", ()))
