"""Chat messages to ChatML text, without any template that came with a model file.

A template inside a weights file is a program from a stranger; this is the whole of what it would do for a
ChatML model such as SmolLM2. Texts of users and documents cannot end a turn: control tokens in them are broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assistant.orchestration.prompts import Message

# What SmolLM2 was trained with when a chat has no system message of its own.
DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

ROLES = frozenset({"system", "user", "assistant", "tool"})

# Control tokens of the ChatML family; a backend adds those that its own vocabulary marks as control tokens.
CONTROL_TOKENS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")


class ControlTokens:
    """The texts that a tokenizer would read as control tokens, and a way to take their power from them."""

    def __init__(self, tokens: Iterable[str]) -> None:
        every = sorted({*CONTROL_TOKENS, *tokens}, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(token) for token in every))

    def broken(self, text: str) -> str:
        """Return `text` with a space after the first character of every control token in it; otherwise unchanged."""
        return self._pattern.sub(lambda token: f"{token[0][0]} {token[0][1:]}", text)


def render(messages: Sequence[Message], control: ControlTokens) -> str:
    """Return the ChatML text that asks for the next assistant message.

    Raises ValueError when a role is none of system, user, assistant, tool.
    """
    if not messages or messages[0].role != "system":
        messages = [Message("system", DEFAULT_SYSTEM), *messages]
    turns = [_turn(message, control) for message in messages]
    return "".join(turns) + "<|im_start|>assistant\n"


def _turn(message: Message, control: ControlTokens) -> str:
    if message.role not in ROLES:
        raise ValueError(f"The role {message.role!r} is none of {', '.join(sorted(ROLES))}.")
    return f"<|im_start|>{message.role}\n{control.broken(message.content)}<|im_end|>\n"
