"""What comes in: questions and history are bounded and freed of characters that steer models or screens unseen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistant.orchestration.prompts import Message

# Marks of chat templates. A tokenizer would read them as the end of a message wherever they stand.
_SPECIAL = re.compile(r"<(\|[^<>|\s]{1,40}\|)>|<(/?s|bos|eos|pad|unk|start_of_turn|end_of_turn)>|\[(/?INST)\]", re.I)
_KEPT_CONTROLS = "\n\t"
# Invisible letters that carry hidden text: Unicode tags and variation selectors beyond the sixteen that style emoji.
_HIDDEN = re.compile("[\U000e0000-\U000e0fff]")
_IMITATION = re.compile(r"^\s*(?:\[(\d{1,3})\]|(question|answer|system|user|assistant)\s*:)", re.I | re.M)
_ROLES = frozenset({"system", "user", "assistant"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question is not answered, as a sentence for the person who asked."""

    reason: Literal["empty", "too_long"]
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its history, ready to be used."""

    question: str
    history: tuple[Message, ...]


def check(question: str, history: Sequence[Message], max_chars: int, max_messages: int) -> Asked | Refusal:
    """Return the cleaned question with its last `max_messages` messages, or why it is refused.

    Earlier messages are cut to `max_chars` characters each; messages of unknown roles and empty ones are left out.
    """
    if len(question) > max_chars:
        said = f"The question has {len(question):,} characters; at most {max_chars:,} can be read."
        return Refusal("too_long", f"{said} Please shorten it, or attach the text as a file.")
    cleaned = clean(question).strip()
    if not cleaned:
        return Refusal("empty", "The question is empty. Please write what you want to know.")
    recent = [m for m in history if m.role in _ROLES][-max_messages:] if max_messages else []
    kept = (replace(m, content=clean(m.content[:max_chars]).strip()) for m in recent)
    return Asked(cleaned, tuple(m for m in kept if m.content))


def clean(text: str) -> str:
    """Return `text` without lone surrogates, control, direction and hidden characters, its special tokens broken up.

    Blank lines in a row become one. The result can always be encoded as UTF-8.
    """
    text = _HIDDEN.sub("", text.encode("utf-8", "ignore").decode("utf-8"))
    if not text.isprintable():
        text = "".join(c for c in text.replace("\r\n", "\n") if _visible(c))
    return without_special_tokens(re.sub(r"\n\s*\n\s*\n+", "\n\n", text))


def without_special_tokens(text: str) -> str:
    """Return `text` with marks of chat templates, such as "<|im_end|>", spelt so that no tokenizer knows them."""
    return _SPECIAL.sub(lambda mark: f"‹{mark[1] or mark[2] or mark[3]}›", text)


def as_data(text: str) -> str:
    """Return the text of a passage as a prompt may hold it: it cannot end its passage, begin another, or ask anything.

    The prompt separates passages by blank lines, numbers them at line starts and ends with "Question:"; a document that
    imitates this is changed just enough to be seen as text.
    """
    text = re.sub(r"\n\s*\n", "\n", clean(text)).strip()
    return _IMITATION.sub(lambda mark: f"({mark[1]})" if mark[1] else f"{mark[2]} -", text)


def _visible(character: str) -> bool:
    if character in _KEPT_CONTROLS or character.isprintable():
        return True
    category = unicodedata.category(character)
    # Spaces, and the joiners that scripts and emoji are spelt with; not the marks that turn text around.
    return category in ("Zs", "Zl", "Zp") or character in "\u200c\u200d"
