"""Sentences: whole texts and streams are cut into slices that, joined, give back the very text.

A sentence of an answer carries its citation marks: "It closed in 1990. [2]" is one sentence that cites 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MARK = re.compile(r"[\[【]\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】]")
# A mark that is not complete yet: the stream has to wait for the rest of it.
_OPEN_MARK = re.compile(r"[\[【][\s\d,;]*[\]】]?$")
# A run of stops or blanks is looked at from its first sign on only: from each of them on would take quadratic time.
_END = re.compile(
    r"""
    (?<![.!?…])(?P<stop>[.!?…]+)(?P<close>["'”’)\]]*)(?P<marks>(?:\s*[\[【]\s*\d{1,3}(?:\s*[,;]\s*\d{1,3})*\s*[\]】])*)(?P<gap>\s+|$)
    | (?P<wide>[。！？]+[”’）」』]*)(?:\s*[\[【]\s*\d{1,3}(?:\s*[,;]\s*\d{1,3})*\s*[\]】])*\s*
    | (?<!\s)\s*\n+\s*
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?:[A-Z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Gen|Col|Lt|Capt|Sen|Rep|Gov|vs|etc|e\.g|i\.e"
    r"|cf|al|approx|ca|Inc|Ltd|Co|Corp|No|Nr|Fig|Figs|Eq|Sec|Ch|Vol|pp|p|Art|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec"
    r"|z\.B|d\.h|bzw|usw)$"
)
# Words that introduce a claim and are no part of it.
_SOURCES = r"(?:sources?|passages?|documents?|texts?|contexts?)(?:\s*\d+)?"
_LEAD = re.compile(
    rf"""^\s*
    (?:(?:in\ addition|additionally|also|finally|furthermore|moreover|however|similarly|overall|in\ short|simply\ put)
       (?:,\s*|\s+(?=(?:other|some|another|one|additional)\ sources?\b)))?
    (?:(?:(?:one|another|the|other|some|additional|these|several)\s+)?{_SOURCES}
       \s+(?:also\s+)?(?:states?|says?|mentions?|claims?|explains?|notes?|indicates?|estimated?)(?:\s+that)?,?\s+
      |(?:according\ to|based\ on)\s+(?:(?:the|these|other)\s+)?(?:(?:given|provided)\s+)?{_SOURCES}
       (?:\s+provided)?,?\s+
    )?""",
    re.IGNORECASE | re.VERBOSE,
)
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*\(?\d{1,3}$")
_BLANKS = re.compile(r"\s*")
# The end of a text that a stream has to look at again when more arrives: the blanks and marks after a stop may go on.
_UNSETTLED = re.compile(
    r"""
    (?:(?<![.!?…])[.!?…]+["'”’)\]]*|[。！？]+[”’）」』]*|(?<!\s)(?=\s))
    (?:\s*[\[【]\s*\d{1,3}(?:\s*[,;]\s*\d{1,3})*\s*[\]】])*\s*(?:[\[【][\s\d,;]*[\]】]?)?$
    """,
    re.VERBOSE,
)
# Characters before a stop: abbreviations fit in, and the numbers of lists with the blanks before them.
_LOOKED_AT = 100


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer."""

    raw: str  # as written, marks and the blanks after it included
    claim: str  # what it says: without marks, list bullets and surrounding blanks; may be empty
    cited: tuple[int, ...]  # passage numbers in order of appearance, 1-based, unchecked


def parse(raw: str) -> Sentence:
    """Return the slice `raw` with its claim and its citation marks taken apart."""
    cited = dict.fromkeys(int(n) for mark in MARK.finditer(raw) for n in re.findall(r"\d+", mark[1]))
    claim = re.sub(r"\s+([.,;:!?])", r"\1", MARK.sub("", raw))
    claim = _LEAD.sub("", re.sub(r"^\s*(?:[-*•]|\(?\d{1,3}[.)])\s+", "", claim))
    return Sentence(raw, re.sub(r"\s+", " ", claim).strip(), tuple(cited))


def split(text: str) -> list[str]:
    """Return the sentences of `text` as slices whose concatenation is `text`; no slice is blank unless all is."""
    slices, rest = _cut(text)
    return [*slices, rest] if rest.strip() or not slices else [*slices[:-1], slices[-1] + rest]


def whole_sentences(text: str) -> str:
    """Return the beginning of `text` up to the end of its last whole sentence; "" where not even one is whole."""
    slices, rest = _cut(text)
    return text[: len(text) - len(rest)].rstrip()


class SentenceStream:
    """Cuts a text into sentences while it arrives."""

    def __init__(self) -> None:
        """Begin with nothing held back."""
        self._held = ""
        self._settled = 0  # no sentence ends before this place of the held text, whatever follows

    def feed(self, text: str) -> list[str]:
        """Return the sentences that `text` completed, as slices; what is unfinished is held back."""
        held = self._held + text
        if not (self._held[-2:] + text).strip():
            self._held = held  # what follows the blanks decides
            return []
        slices, self._held = _cut(held, streaming=True, settled=self._settled)
        unsettled = _UNSETTLED.search(self._held, max(0, self._settled - (len(held) - len(self._held))))
        self._settled = unsettled.start() if unsettled else len(self._held)
        return slices

    def flush(self) -> list[str]:
        """Return what is still held back, as sentences, and forget it."""
        held = self.drop()
        return split(held) if held.strip() else []

    def drop(self) -> str:
        """Forget what is held back and return it."""
        held, self._held, self._settled = self._held, "", 0
        return held


def _cut(text: str, streaming: bool = False, settled: int = 0) -> tuple[list[str], str]:
    """Return the whole sentences of `text` and the rest; none ends before `settled`."""
    slices: list[str] = []
    start, begins = 0, _first_sign(text, 0)
    for end in _END.finditer(text, settled):
        if end.start() <= begins or not _is_boundary(text, start, end):
            continue
        if streaming and (end.end() == len(text) or _OPEN_MARK.match(text, end.end())):
            break  # a mark or another blank may follow and would belong to this sentence
        slices.append(text[start : end.end()])
        start = end.end()
        begins = _first_sign(text, start)
    return slices, text[start:]


def _first_sign(text: str, start: int) -> int:
    blanks = _BLANKS.match(text, start)
    return blanks.end() if blanks else start


def _is_boundary(text: str, start: int, end: re.Match[str]) -> bool:
    if end["stop"] is None:
        return True  # CJK full stop or line break
    if set(end["stop"]) != {"."} or end["marks"]:
        return True
    before = _before(text, start, end.start())
    if _LIST_NUMBER.search(before) or _ABBREVIATION.search(before):
        return False
    following = text[end.end() : end.end() + 1]
    return not following.islower()


def _before(text: str, start: int, end: int) -> str:
    """Return what stands before a stop; of a long text only the end, behind a sign that no abbreviation follows."""
    return text[start:end] if end - start <= _LOOKED_AT else "…" + text[end - _LOOKED_AT : end]
