"""Tokens: a prompt is cut until it fits the model's context, least important first, and never overflows it.

Order of sacrifice: the oldest messages, then the last passages, then the ends of the passages that are left, then the
middle of the question.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from assistant.orchestration.errors import ContextTooSmall
from assistant.orchestration.prompts import Message

Render = Callable[[Sequence[tuple[str, str]], str], list[Message]]
Count = Callable[[tuple[Message, ...]], Awaitable[int]]

# Template tokens of a message beyond its text, at most; with byte-level tokenizers a token is at least one byte, so a
# prompt whose bytes and templates fit needs no counting.
_TEMPLATE_TOKENS = 16
_PRECISION = 24  # characters; searching closer would cost a count per halving
_CUT_MARK = " […] "


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits, and what is left of what it was made from."""

    messages: tuple[Message, ...]
    passages: int  # how many of the first passages are in it
    history: int  # how many of the last messages are in it
    trimmed: bool  # whether anything was cut or left out


@dataclass(frozen=True, slots=True)
class _Prompt:
    render: Render
    history: tuple[Message, ...]
    passages: tuple[tuple[str, str], ...]
    question: str
    kept: tuple[Message, ...] = ()
    recent: int = 0

    def messages(self) -> tuple[Message, ...]:
        first, *rest = self.render(self.passages, self.question)
        at = max(0, len(self.history) - self.recent)
        said = (*self.history[:at], *self.kept, *self.history[at:])
        return (first, *said, *rest) if first.role == "system" else (*said, first, *rest)


async def fit(
    render: Render,
    history: Sequence[Message],
    passages: Sequence[tuple[str, str]],
    question: str,
    room: int,
    count: Count,
    kept: Sequence[Message] = (),
    recent: int = 0,
) -> Fitted:
    """Return the prompt of these parts in at most `room` tokens as `count` counts them.

    `kept` are messages that stay, in front of the last `recent` ones of history.

    `render` makes messages of (title, text) passages and a question; history goes between its system and its user
    message. Raises ContextTooSmall when not even a few words of the question fit.
    """
    prompt = _Prompt(render, tuple(history), tuple(passages), question, tuple(kept), recent)
    if await _fits(prompt, room, count):
        return _fitted(prompt, trimmed=False)
    for number in range(2, len(prompt.history) + 2, 2):  # a question leaves together with its answer
        prompt = replace(prompt, history=tuple(history[number:]))
        if await _fits(prompt, room, count):
            return _fitted(prompt, trimmed=True)
    while len(prompt.passages) > 1:
        shorter = replace(prompt, passages=prompt.passages[:-1])
        if await _fits(shorter, room, count):
            # The passage that was one too many may fit in part: it is better than nothing of it.
            return await _longest(_cut_passage(prompt), len(prompt.passages[-1][1]), room, count, shorter)
        prompt = shorter
    if prompt.passages:
        none = replace(prompt, passages=())
        if await _fits(none, room, count):
            return await _longest(_cut_passage(prompt), len(prompt.passages[-1][1]), room, count, none)
        prompt = none
    return await _longest(_cut_question(prompt), len(question), room, count, None)


def _cut_passage(prompt: _Prompt) -> Callable[[int], _Prompt]:
    *others, (title, text) = prompt.passages
    return lambda size: replace(prompt, passages=(*others, (title, _at_word(text, size))))


def _cut_question(prompt: _Prompt) -> Callable[[int], _Prompt]:
    text = prompt.question

    def cut(size: int) -> _Prompt:
        half = size // 2  # the end of a long text is as likely to hold what is asked as its beginning
        return replace(
            prompt, question=text if size >= len(text) else text[:half] + _CUT_MARK + text[len(text) - half :]
        )

    return cut


async def _longest(
    cut: Callable[[int], _Prompt], size: int, room: int, count: Count, otherwise: _Prompt | None
) -> Fitted:
    """Return the prompt of the largest size that fits, to within a few characters; `otherwise` if none does."""
    low, high = 0, size
    best = otherwise
    while high - low > _PRECISION:
        middle = (low + high) // 2
        candidate = cut(middle)
        if await _fits(candidate, room, count):
            low, best = middle, candidate
        else:
            high = middle
    if best is None:
        raise ContextTooSmall(
            f"The model's context leaves {room} tokens for the prompt, too few for a question. Serve the model with a"
            " larger context, or lower the number of answer tokens."
        )
    return _fitted(best, trimmed=True)


async def _fits(prompt: _Prompt, room: int, count: Count) -> bool:
    messages = prompt.messages()
    upper = sum(len(m.content.encode()) + _TEMPLATE_TOKENS for m in messages) + _TEMPLATE_TOKENS
    return upper <= room or await count(messages) <= room


def _fitted(prompt: _Prompt, trimmed: bool) -> Fitted:
    return Fitted(prompt.messages(), len(prompt.passages), len(prompt.history), trimmed)


def _at_word(text: str, size: int) -> str:
    if size >= len(text):
        return text
    head = text[:size]
    return head.rsplit(None, 1)[0] if " " in head.strip() else head
