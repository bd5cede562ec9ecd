"""Models without a model: for tests, demonstrations and the places where only the shape of an answer matters."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import AsyncGenerator, Callable, Sequence

from assistant.models.errors import ModelError, ModelRefused
from assistant.models.types import ModelRequest, Piece, StopReason, Usage
from assistant.orchestration.prompts import Message

END = "<|im_end|>"
LIKELY, UNLIKELY = math.log(0.9), math.log(0.1)  # of the next word, and of the end, where probabilities are asked for

Line = str | ModelError | Callable[[ModelRequest], str]


class ScriptedModel:
    """Gives the replies of a script in order, starting over at its end, word by word.

    A line is the text of a reply, a function from the request to it, or an error to raise. A `ModelError` inside a
    tuple ("some text", error) is raised after the text, as a model does that dies in the middle. A reply that has
    begun goes on after as many words of the line.
    """

    def __init__(
        self,
        script: Sequence[Line | tuple[str, ModelError]],
        name: str = "scripted",
        context_tokens: int = 8192,
        pause_s: float = 0.0,
    ) -> None:
        """`pause_s` is the time before each word."""
        self.name = name
        self.context_tokens = context_tokens
        self.requests: list[ModelRequest] = []  # every request so far
        self.open_streams = 0
        self._script = itertools.cycle(script)
        self._pause_s = pause_s

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the next line of the script, cut at a stop string or at `max_tokens` words."""
        self.requests.append(request)
        used = await self.count_tokens(request.messages)
        if used >= self.context_tokens:
            raise ModelRefused(f"The prompt has {used} tokens.", "context_length_exceeded")
        text, error = _line(next(self._script), request)
        words, stopped_by = _limited(text, request)
        likely = [((word, LIKELY), (END, UNLIKELY)) if request.alternatives else () for word in words]
        self.open_streams += 1
        try:
            for word, told in zip(words, likely, strict=True):
                await asyncio.sleep(self._pause_s)
                yield Piece(word, likely=told)
            if request.alternatives and not words:
                yield Piece(likely=((END, 0.0),))
            if error is not None:
                raise error
            yield Piece(stopped_by=stopped_by, usage=Usage(used, len(words)))
        finally:
            self.open_streams -= 1

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Return the number of words, plus two for each message."""
        return sum(2 + len(message.content.split()) for message in messages)


class EchoModel(ScriptedModel):
    """Repeats the last message."""

    def __init__(self, name: str = "echo", context_tokens: int = 8192) -> None:
        super().__init__([lambda request: request.messages[-1].content], name, context_tokens)


def _line(line: Line | tuple[str, ModelError], request: ModelRequest) -> tuple[str, ModelError | None]:
    if isinstance(line, ModelError):
        return "", line
    if isinstance(line, tuple):
        return line
    return (line if isinstance(line, str) else line(request)), None


def _limited(text: str, request: ModelRequest) -> tuple[list[str], StopReason]:
    found = [at for stop in request.sampling.stop if (at := text.find(stop)) >= 0]
    words = text[: min(found, default=len(text))].split(" ")
    words = [word if n == 0 else " " + word for n, word in enumerate(words)] if text else []
    words = words[len(request.begun.split()) :]
    limit = request.sampling.max_tokens
    return words[:limit], "length" if len(words) > limit else "stop"
