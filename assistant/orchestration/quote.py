"""Quotes: what a reader gets when no model can answer, the closest sentences of the best passages, cited."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.guardrails.sentences import split
from assistant.guardrails.words import content
from knowledge.types import Passage

QUOTED = 3  # passages at most
_CHARACTERS = 320  # of one quote
_INTRODUCTION = "No language model can answer at the moment. These passages are the closest:"


def quoted(question: str, passages: Sequence[Passage]) -> str:
    """Return a text that quotes the first passages, each with its mark; passage n is cited as [n]."""
    quotes = [f"> {excerpt(question, passage.text)} [{n}]" for n, passage in enumerate(passages[:QUOTED], start=1)]
    return "\n\n".join([_INTRODUCTION, *quotes])


def excerpt(question: str, text: str) -> str:
    """Return the neighbouring sentences of `text` that share most words with `question`, on one line, bounded."""
    wanted = frozenset(content(question))
    sentences = [" ".join(sentence.split()) for sentence in split(text)]
    scores = [len(wanted & frozenset(content(sentence))) for sentence in sentences]
    start = max(range(len(sentences)), key=lambda i: scores[i] + 0.5 * sum(scores[i + 1 : i + 2]))
    chosen = sentences[start][:_CHARACTERS]
    for sentence in sentences[start + 1 :]:
        if len(chosen) + len(sentence) + 1 > _CHARACTERS:
            break
        chosen += f" {sentence}"
    return chosen.strip()
