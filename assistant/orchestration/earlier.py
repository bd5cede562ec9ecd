"""What was said earlier in a long chat, as a model is shown it and as an answer tells it. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.guardrails.input import as_data
from assistant.guardrails.sentences import MARK
from assistant.guardrails.words import content
from assistant.orchestration.prompts import Message

MARKED = "(Earlier in this chat)"
SUMMARY = "What the person who asks stated earlier in this chat, in their own words and no source to cite:\n"
_QUESTION = 300  # characters of a recalled question, and twice as many of its answer


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a chat holds before what a turn looks at anyway, as far as it matters for the question."""

    summary: tuple[str, ...] = ()  # sentences of the person, in the order in which they were said
    exchanges: tuple[tuple[str, str], ...] = ()  # question and answer, in the order of the chat
    said: tuple[str, ...] = ()  # sentences of the person that answer the question, closest first

    @property
    def shown(self) -> bool:
        """Return whether there is anything that a model is shown."""
        return bool(self.summary or self.exchanges)


NOTHING_EARLIER = Earlier()


def summary_text(earlier: Earlier, characters: int) -> str:
    """Return the summary as it stands in a prompt, its last sentences where not all fit in; "" without any."""
    kept: list[str] = []
    for sentence in reversed(earlier.summary):
        if sum(map(len, kept)) + len(sentence) <= characters:
            kept.insert(0, sentence)
    return SUMMARY + "\n".join(f"- {as_data(one)}" for one in kept) if kept else ""


def messages(earlier: Earlier, characters: int) -> list[Message]:
    """Return the recalled exchanges as messages, marked as earlier, the last ones where not all fit in."""
    kept: list[Message] = []
    for question, answer in reversed(earlier.exchanges):
        pair = [
            Message("user", f"{MARKED} {as_data(_cut(question, _QUESTION))}"),
            Message("assistant", _cut(MARK.sub("", answer), 2 * _QUESTION)),
        ]
        if sum(len(one.content) for one in (*kept, *pair)) <= characters:
            kept = [*pair, *kept]
    return kept


def recollected(said: Sequence[str]) -> str:
    """Return the paragraph that tells what the person said earlier in the chat."""
    return "Earlier in this chat you said:\n\n" + "\n".join(f"- {one}" for one in said)


def tells(answer: str, said: str, question: str) -> bool:
    """Return whether an answer holds what a sentence adds to the question: numbers and names, else all its words."""
    new = [word for word in re.findall(r"[\w-]+", said)[1:] if re.search(r"\d|[A-Z]", word)]
    adds = set(content(" ".join(new) or said)) - set(content(question))
    return adds <= set(content(answer))


def _cut(text: str, size: int) -> str:
    flat = text.strip()
    return flat if len(flat) <= size else flat[: size - 1].rsplit(" ", 1)[0] + "…"
