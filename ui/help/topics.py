"""The topics of the help, and which of them fit a question. Pure functions over the texts beside this file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent
_WORD = re.compile(r"\w{3,}")
# Words that every question holds and that tell topics apart in none.
_COMMON = frozenset(
    ("the", "and", "for", "how", "can", "does", "what", "who", "why", "where", "when", "are", "you", "your", "with")
    + ("from", "this", "that", "have", "not")
)


@dataclass(frozen=True, slots=True)
class Topic:
    """One section of a help page."""

    page: str  # the page's title
    title: str
    text: str  # Markdown without its heading


def topics(for_admin: bool) -> list[Topic]:
    """Return all topics in reading order; those for administrators come last, and only for them."""
    files = sorted(_FOLDER.glob("*.md"))
    return [
        topic
        for file in files
        if for_admin or not file.name.startswith("admin-")
        for topic in _sections(file.read_text("utf-8"))
    ]


def fitting(found: list[Topic], question: str, limit: int = 4) -> list[Topic]:
    """Return the topics that share words with a question, best first; a word in a title counts three times."""
    asked = {_stem(word) for word in _WORD.findall(question.lower())} - _COMMON
    scored = [(_score(topic, asked), -position, topic) for position, topic in enumerate(found)]
    return [topic for score, _, topic in sorted(scored, key=lambda one: one[:2], reverse=True) if score][:limit]


def _score(topic: Topic, asked: set[str]) -> int:
    titles = {_stem(word) for word in _WORD.findall(f"{topic.page} {topic.title}".lower())}
    words = {_stem(word) for word in _WORD.findall(topic.text.lower())}
    return 3 * len(asked & titles) + len(asked & words)


def _stem(word: str) -> str:
    """Return a word without its commonest endings: "chats" and "chat", "sharing" and "share" are one."""
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _sections(text: str) -> list[Topic]:
    head, *rest = re.split(r"^## ", text, flags=re.MULTILINE)
    title, _, body = head.removeprefix("# ").partition("\n")
    made = [Topic(title, title, body.strip())]
    for part in rest:
        name, _, words = part.partition("\n")
        made.append(Topic(title, name, words.strip()))
    return made
