"""One question that wants the same function several times, as one question for each call.

A model of 135 million parameters cannot tell how many calls a question needs, so rules do: lists ("for Berlin and
Madrid", "5, 7 and 9", "20 and 15 minutes respectively"), and as many numbers as several calls take. Each call then gets
a question of its own, in which the narrow grammar of `arguments` finds one value for each place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from assistant.orchestration.read_question import NUMBER

_NUMERIC = ("integer", "number")
MOST = 6  # calls of one function in one question
_NAME = r"(?:[A-Z][\w'’&-]*(?:\s+(?:of\s+)?[A-Z0-9][\w'’&-]*){0,3})"
_QUOTED = r"(?:\"[^\"\n]{1,60}\"|(?<!\w)'[^'\n]{1,60}'(?!\w))"
_COUNT = r"(?:[$€£]?\d+(?:,\d{3})*(?:\.\d+)?%?)"
_UNIT = r"(?:[ -](?!(?:and|or)\b)[a-z]{1,12})?"  # "20 minutes and 15 minutes"
_AND = r"(?:\s*,\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+)(?:in\s+|for\s+|the\s+)?"
_LISTS = tuple(re.compile(f"{item}(?:{_AND}{item})+") for item in (_QUOTED, _NAME, _COUNT + _UNIT))
_ITEMS = tuple(re.compile(item) for item in (_QUOTED, _NAME, _COUNT))
_TOGETHER = re.compile(r"\b(?:between|from|ratio of)\b[^.?!]{0,30}$", re.I)  # both belong to one call
_LAST = re.compile(r"\b(?:and|or)\b")  # what "Miami, Florida" lacks
_MONTH = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s*$", re.I)
_BREAK = re.compile(r"[.?!;]\s+|,\s*(?:and\s+)?|\s+and\s+|\s+then\s+")


@dataclass(frozen=True, slots=True)
class _List:
    start: int
    end: int
    items: tuple[str, ...]


def questions(question: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return a question for each call of a function with these parameters (a JSON schema); itself alone: one call."""
    inner: Mapping[str, Any] = parameters.get("properties", {})
    wanting = [name for name in parameters.get("required", ()) if inner.get(name, {}).get("type") in _NUMERIC]
    if any(described.get("type") in ("array", "object") for described in inner.values()):
        return [question]  # a list may be one value
    numbers = sum(described.get("type") in _NUMERIC for described in inner.values())
    return _by_list(question, inner, numbers) or _by_count(question, len(wanting), numbers) or [question]


def _by_list(question: str, inner: Mapping[str, Any], numbers: int) -> list[str]:
    """Put one item of each list in its place; lists of one length go together, as "respectively" says."""
    texts = sum(described.get("type") == "string" and "enum" not in described for described in inner.values())
    found = [
        each for each in _lists(question) if len(each.items) > (numbers if _ITEMS[2].fullmatch(each.items[0]) else 0)
    ]
    found = [each for each in found if not _TOGETHER.search(question[: each.start])]
    if not found or not (texts or numbers):
        return []
    several = len(found[0].items)
    if not 2 <= several <= MOST or any(len(each.items) != several for each in found):
        return []
    return [_with(question, found, at) for at in range(several)]


def _with(question: str, lists: list[_List], at: int) -> str:
    for each in sorted(lists, key=lambda found: -found.start):
        question = question[: each.start] + each.items[at] + question[each.end :]
    return question


def _lists(question: str) -> list[_List]:
    found: list[_List] = []
    for whole, item in zip(_LISTS, _ITEMS, strict=True):
        for match in whole.finditer(question):
            if _LAST.search(match[0]) and not any(
                match.start() < other.end and other.start < match.end() for other in found
            ):
                places = list(item.finditer(question, match.start(), match.end()))
                items = tuple(dict.fromkeys(each[0] for each in places))
                found.append(_List(match.start(), places[-1].end(), items))  # the last one's unit stays for all
    return [each for each in found if len(each.items) > 1]


def _by_count(question: str, each: int, at_most: int) -> list[str]:
    """Cut the question where the numbers of one call end, when it holds those of several calls exactly."""
    places = [match for match in NUMBER.finditer(question) if not _MONTH.search(question[: match.start()])]
    if not each or len(places) <= at_most or len(places) % each or not 2 <= len(places) // each <= MOST:
        return []
    groups = [places[at : at + each] for at in range(0, len(places), each)]
    cuts = [_cut(question, one[-1].end(), other[0].start()) for one, other in pairwise(groups)]
    if None in cuts:
        return []
    edges = [0, *(cut for cut in cuts if cut is not None), len(question)]
    return [question[start:end].strip() for start, end in pairwise(edges)]


def _cut(question: str, start: int, end: int) -> int | None:
    """Return where the last break between two places ends; None: the numbers belong together."""
    breaks = list(_BREAK.finditer(question, start, end))
    return breaks[-1].end() if breaks else None
