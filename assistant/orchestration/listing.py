"""Questions that ask for several things, and the list or table of a passage that names them all.

"Which holidays are observed?" is not answered by the likeliest row of a table of holidays. Where the reader's words
stand in an item of a list or in a row, the whole list is the answer, in the passage's own words.
"""

from __future__ import annotations

import re

from assistant.guardrails.table_row import table_told
from assistant.orchestration.explain import Piece, pieces_of, without_bullet

_SEVERAL = re.compile(
    r"""\b(?:which|what)\s+(?:(?!of\b)\w+\s+){0,3}\w+[^\Wsu]s\s+(?:are|were|do|does|did|can|could|should|may|must|will|have|has)\b
    | \bwhat\s+(?:are|were)\s+(?:the|our|my|your|all)\s
    | ^\w+(?:\s\w+){0,2}(?<![\Wsu])s$
    | ^(?:list|name|give\s+me)\s+(?:all|the|every)\b | \bwhat\s+(?:all|else)\b | \bwhich\s+ones\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CHARACTERS = 700  # of a list that is shown; a longer one hides the answer


def asks_for_several(question: str) -> bool:
    """Return whether one thing alone would be no answer: "which holidays are", "what are the values"."""
    return _SEVERAL.search(question.strip()) is not None


def has_list(said: str) -> bool:
    """Return whether an answer shows a list."""
    return "\n- " in said


def listing(text: str, words: str, label: str) -> str | None:
    """Return the list in `text` that has `words` in one of its items, with the mark [1]; None where none has them.

    The sentence that leads to it stands before it, else `label`, the name of what it stands below. None as well where
    it is longer than 700 characters, or has one item.
    """
    words = without_bullet(words)
    lead, items = _list(pieces_of(text), words)
    if not items:
        lead, items = "", table_told(words, text)
    said = "\n".join([f"{lead or label.rstrip(' .:') + ':'} [1]", *(f"- {item}" for item in items)])
    return said if len(items) > 1 and len(said) <= _CHARACTERS else None


def _list(found: list[Piece], words: str) -> tuple[str, list[str]]:
    """Return the sentence that leads to the list with `words` in an item, "" without one, and all of its items."""
    at = next((n for n, piece in enumerate(found) if piece.is_item and words in piece.text), None)
    if at is None:
        return "", []
    begin = at
    while begin and found[begin - 1].is_item:
        begin -= 1
    end = next((n for n in range(at, len(found)) if not found[n].is_item), len(found))
    lead = found[begin - 1].text if begin and found[begin - 1].text.endswith(":") else ""
    return lead, [piece.text for piece in found[begin:end]]
