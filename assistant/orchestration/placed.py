"""Values that rules can put into their places: lists, both ends of a way or a conversion, and dates.

Small models fill lists badly (with nothing, or with one value again and again), swap both ends, and keep no form of
dates. What is not plain in the question is left to the model.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.orchestration.read_question import NUMBER, STOP

_STARTS = frozenset(["from", "start", "origin", "source", "departure", "base"])
_ENDS = frozenset(["to", "end", "destination", "target", "arrival"])
_PROPER = r"(?:(?:[A-Z]\.){2,}|[A-Z][\w'’&-]*)"
_NAME = rf"{_PROPER}(?:\s+(?:of\s+|de\s+)?{_PROPER}){{0,3}}"
_PLACE = rf"(?:\"[^\"\n]{{1,60}}\"|'[^'\n]{{2,60}}'|{_NAME}(?:,\s+{_NAME})?|[\w°$€£-]+(?:\s+[a-z]+)?)"
_WAYS = (
    re.compile(rf"\bfrom\s+(?:the\s+)?({_PLACE})\s+(?:to|into)\s+(?:the\s+)?({_PLACE})"),
    re.compile(rf"\bbetween\s+(?:the\s+)?({_PLACE})\s+and\s+(?:the\s+)?({_PLACE})"),
    re.compile(r"\d\s*(?:of\s+)?([A-Za-z°$€£]+(?:\s[a-z]+)?)\s+(?:to|into|in)\s+([A-Za-z°$€£]+(?:\s[a-z]+)?)"),
)
_BACK = re.compile(r"\bhow many ([a-z]+) (?:are|is|in|make)(?: there)?(?: in)? (?:a|an|[\d.,]+) ?([a-z]+)", re.I)
_QUOTED = r"(?:\"[^\"\n]{1,60}\"|(?<!\w)'[^'\n]{1,60}'(?!\w))"
_AND = r"(?:\s*,\s*(?:and\s+|or\s+)?|\s+(?:and|or|&)\s+)"
_WORD = rf"(?!(?:{'|'.join(sorted(STOP))})\b)[a-z][\w-]*"
_WORDS = rf"{_WORD}(?: {_WORD}){{0,2}}"
_PLAIN = re.compile(rf"(?<![\w-])(?:{_WORDS}(?:, {_WORDS})+,? (?:and|or) {_WORDS}|{_WORD} (?:and|or) {_WORD})", re.I)
_BRACKETS = re.compile(r"\[([^\[\]]{1,400})\]")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\b"),
    re.compile(rf"\b(?P<name>{_MONTH})\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})\b", re.I),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<name>{_MONTH}),?\s+(?P<y>\d{{4}})\b", re.I),
)
# What a form of date looks like in a description, and how it is written; without one, dates stay as they were said.
_FORMS = (("YYYY-MM-DD", "%Y-%m-%d"), ("MM/DD/YYYY", "%m/%d/%Y"), ("DD/MM/YYYY", "%d/%m/%Y"))

Parameters = Mapping[str, Mapping[str, Any]]


def placed_values(parameters: Parameters, question: str) -> dict[str, Any]:
    """Return the values by parameter that are plain in the question, for the places that they fill; empty: none is."""
    return {**_lists(parameters, question), **_ends(parameters, question), **_dates(parameters, question)}


def _lists(parameters: Parameters, question: str) -> dict[str, Any]:
    placed: dict[str, Any] = {}
    kinds = {name: _kind(inner) for name, inner in parameters.items() if inner.get("type") == "array"}
    numeric = [name for name, kind in kinds.items() if kind in ("integer", "number")]
    texts = [name for name, kind in kinds.items() if kind == "string"]
    for wanting, runs in ((numeric, _number_runs(question)), (texts, _text_runs(question))):
        if len(runs) == len(wanting):
            placed.update(zip(wanting, runs, strict=True))
    for name in numeric:
        if kinds[name] == "number" and name in placed:
            placed[name] = [float(number) for number in placed[name]]
    for name in (name for name, kind in kinds.items() if kind == "choice"):
        chosen = said(parameters[name]["items"]["enum"], question)
        if chosen:
            placed[name] = chosen
    return placed


def _kind(schema: Mapping[str, Any]) -> object:
    items = schema.get("items")
    if not isinstance(items, Mapping):
        return "string"
    return "choice" if "enum" in items else items.get("type", "string")


def _number_runs(question: str) -> list[list[int | float]]:
    number = r"-?\d+(?:\.\d+)?"
    run = re.compile(rf"(?<![\w.]){number}%?(?:{_AND}{number}%?)+(?![\w.]*\d)")
    for form in _DATES:
        question = form.sub(" ", question)
    return [
        [float(n) if "." in n else int(n) for n in re.findall(number, match[0])] for match in run.finditer(question)
    ]


def _text_runs(question: str) -> list[list[str]]:
    return [found for found in map(_items, _BRACKETS.findall(question)) if found] or _named_runs(question)


def _items(inside: str) -> list[str]:
    parts = [part.strip(" '\"") for part in inside.split(",")]
    return parts if all(parts) and not any(NUMBER.fullmatch(part) for part in parts) else []


def _named_runs(question: str) -> list[list[str]]:
    found = []
    for item in (_QUOTED, _NAME):
        for match in re.finditer(rf"(?<!\w){item}(?:{_AND}{item})+", question):
            items = [each.strip("'\"") for each in re.findall(item, match[0])]
            if re.search(r"\b(?:and|or)\b|&", match[0]) or item is _QUOTED:
                found.append(items)
        if found:
            break
    return found or _plain_runs(question)


def _plain_runs(question: str) -> list[list[str]]:
    return [[part.strip() for part in re.split(_AND, run[0]) if part.strip()] for run in _PLAIN.finditer(question)]


def _ends(parameters: Parameters, question: str) -> dict[str, Any]:
    """Return both ends where one parameter is where something starts, another where it ends, and the text says both."""
    texts = [name for name, inner in parameters.items() if inner.get("type") == "string" and "enum" not in inner]
    starts = [name for name in texts if _first(name) in _STARTS]
    ends = [name for name in texts if _first(name) in _ENDS]
    if len(starts) != 1 or len(ends) != 1:
        return {}
    for way in _WAYS:
        match = way.search(question)
        if match:
            return {starts[0]: match[1].strip("'\""), ends[0]: match[2].strip("'\"")}
    back = _BACK.search(question)
    return {starts[0]: back[2], ends[0]: back[1]} if back else {}


def _first(name: str) -> str:
    return re.split(r"[_\W]|(?<=[a-z])(?=[A-Z])", name)[0].lower()


def _dates(parameters: Parameters, question: str) -> dict[str, Any]:
    wanting = {name: form for name, inner in parameters.items() if (form := _form(inner))}
    days = _days(question)
    if not wanting or len(days) != len(wanting):
        return {}
    return {name: day.strftime(form) for (name, form), day in zip(wanting.items(), days, strict=True)}


def _form(schema: Mapping[str, Any]) -> str:
    if schema.get("type") != "string":
        return ""
    said = str(schema.get("description", "")).upper()
    return next((form for sign, form in _FORMS if sign in said), "%Y-%m-%d" if schema.get("format") == "date" else "")


def _days(question: str) -> list[datetime.date]:
    found: dict[int, datetime.date] = {}
    for form in _DATES:
        for match in form.finditer(question):
            parts = match.groupdict()
            month = parts.get("m") or _MONTHS.index(parts["name"][:3].lower()) + 1
            try:
                found[match.start()] = datetime.date(int(parts["y"]), int(month), int(parts["d"]))
            except ValueError:
                continue  # the 31st of February
    return [found[at] for at in sorted(found)]


def said(choices: Sequence[Any], question: str) -> list[Any]:
    """Return those of the choices that the question says, in their order, however they are joined ("gluten-free").

    A choice of one letter counts for nothing, one of up to three as a whole word, a longer one with any ending.
    """
    spoken = f" {_spaced(question)} "
    plain = [(choice, _spaced(str(choice))) for choice in choices]
    return [choice for choice, text in plain if len(text) > 1 and f" {text}{' ' if len(text) < 4 else ''}" in spoken]


def _spaced(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower().replace("_", " ")))
