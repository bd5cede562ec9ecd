"""A fragment that answers is shown in the sentence of the passage that it stands in, with the fragment in bold.

The small model answers "28 days"; a reader wants "Every employee has **28 days** of paid leave a year.", and can judge
by it. A cell of a table is shown with its row (table_row.py), an address behind words as a link that shows where it
leads. What is added is the passage's own text, so nothing is claimed that was not checked.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from assistant.guardrails.sentences import split
from assistant.guardrails.table_row import row_told
from assistant.guardrails.words import content

LONGEST = 400  # characters of a sentence that is shown; longer ones hide the answer
_FRAGMENT_SHARE = 0.8  # of a sentence's words; what has more of them is the sentence
_SENTENCE = re.compile(r"^[\"'“‘(]?[A-Z0-9].*[.!?][\"'”’)]*$")
_ADDRESS = re.compile(r"(?<=\s)\((https?://[^\s()<>\[\]*]+)\)")
_MARKUP = re.compile(r"[|*_`<>\[\]]")


def spelled_out(claim: str, question: str, text: str) -> str | None:
    """Return the sentence of `text` that says `claim`, which is in bold there; None where it is to stand as it is.

    Of several sentences, the one with most of the question's words; only whole sentences of running text count. A claim
    that says no more than the question is not emphasised.
    """
    words = claim.rstrip(".!?,;: ").split()
    asked, best, shown = frozenset(content(question)), -1, None
    if not words:
        return None
    wanted = re.compile(rf"(?<!\w){re.escape(' '.join(words))}(?!\w)", re.IGNORECASE)
    for raw in split(text):
        sentence = " ".join(raw.split())
        place = wanted.search(sentence)
        if place is None or not _presentable(sentence, len(words)):
            continue
        shared = len(asked & frozenset(content(sentence)))
        if shared > best:
            best, shown = shared, sentence[: place.start()] + _emphasised(place[0], asked) + sentence[place.end() :]
    return shown or row_told(claim, question, text)


def linked(text: str) -> str:
    """Return `text` with each address in brackets, "List (https://example.org/list)", as a link that shows its host."""
    return _ADDRESS.sub(_link, text)


def _link(found: re.Match[str]) -> str:
    host = urlsplit(found[1]).hostname
    return f"([{host}]({found[1]}))" if host else found[0]


def _emphasised(claim: str, asked: frozenset[str]) -> str:
    """Return `claim` in bold from the first word on that the question had not said already."""
    words = claim.split(" ")
    for first, word in enumerate(words):
        if not asked.issuperset(content(word)) or any(map(str.isdigit, word)):
            return " ".join([*words[:first], f"**{' '.join(words[first:])}**"])
    return claim


def _presentable(sentence: str, fragment_words: int) -> bool:
    if len(sentence) > LONGEST or _MARKUP.search(sentence) or not _SENTENCE.match(sentence):
        return False
    return fragment_words < _FRAGMENT_SHARE * len(sentence.split())
