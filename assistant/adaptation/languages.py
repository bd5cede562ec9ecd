"""Which language a row is in: a passage in another language is no near miss."""

from __future__ import annotations

from knowledge.words import is_english, language_of

_LOOKED_AT = 2_000  # characters


def language(question: str, passage: str) -> str:
    """Return the language of a question with its first passage ("" without one), or "in another script"."""
    text = f"{question} {passage}"[:_LOOKED_AT]
    found = language_of(text)
    return "in another script" if found == "english" and not is_english(text) else found
