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
_ITEM = re.compile(r"(?:[-*•–]|\(?\d{1,3}[.)])\s+")
_LONGEST_LINE = 160  # characters of a line that is no sentence
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
    return shown or row_told(claim, question, text) or _line_told(wanted, asked, text)


def _line_told(wanted: re.Pattern[str], asked: frozenset[str], text: str) -> str | None:
    """Return the item of a list, or the line that stands alone, with what is `wanted`, which is in bold there.

    "Three weeks" says less than "Three weeks of vacation (15 days)", and "Byrne" is half a name. Of several lines, the
    one with most of the question's words.
    """
    best, shown = -1, None
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for n, line in enumerate(lines):
        alone = not any(lines[max(0, n - 1) : n]) and not any(lines[n + 1 : n + 2])
        item = _ITEM.match(line)
        said = line[item.end() :] if item else line
        place = wanted.search(said)
        if place is None or not (item or alone) or len(said) > _LONGEST_LINE or _MARKUP.search(said):
            continue
        shared = len(asked & frozenset(content(said)))
        if shared > best and said.rstrip(".;,") != place[0]:
            best, shown = shared, said[: place.start()] + _emphasised(place[0], asked) + said[place.end() :]
    return shown


def linked(text: str) -> str:
    """Return `text` with each address in brackets, "List (https://example.org/list)", as a link that shows its host."""
    return _ADDRESS.sub(_link, text)


def _link(found: re.Match[str]) -> str:
    try:
        host = urlsplit(found[1]).hostname
    except ValueError:  # signs that become others when the name is looked up
        return found[0]
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
