"""Facts that must agree exactly: numbers with their units, dates, names, and whether something is denied."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from assistant.guardrails.words import STOP, plain, stem

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: n for n, word in enumerate(_ONES.split())} | {w: 20 + 10 * n for n, w in enumerate(_TENS.split())}
_LOOSE = 10
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SCALES |= {"k": 10**3, "mn": 10**6, "bn": 10**9, "m": 10**6}
_UNITS = {
    "%": "%", "percent": "%", "percentage": "%", "$": "$", "usd": "$", "dollar": "$", "€": "€", "eur": "€", "euro": "€",
    "£": "£", "gbp": "£", "pound": "£", "¥": "¥", "yen": "¥",
    "second": "s", "sec": "s", "minute": "min", "min": "min", "hour": "h", "hr": "h", "day": "day", "week": "week",
    "month": "month", "year": "year", "decade": "decade", "century": "century",
    "mm": "mm", "cm": "cm", "km": "km", "kilometre": "km", "kilometer": "km", "metre": "metre", "meter": "metre",
    "mile": "mile", "foot": "ft", "feet": "ft", "ft": "ft", "inch": "in", "yard": "yd",
    "kg": "kg", "kilogram": "kg", "gram": "g", "mg": "mg", "tonne": "t", "ton": "t",
    "kb": "kb", "mb": "mb", "gb": "gb", "tb": "tb", "°c": "°c", "°f": "°f", "celsius": "°c", "fahrenheit": "°f",
}  # fmt: skip
_MONTH_NAMES = (
    "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|october oct"
    "|november nov|december dec"
)
_MONTHS = {name: n for n, both in enumerate(_MONTH_NAMES.split("|"), start=1) for name in both.split()}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_DATES = [
    re.compile(r"\b(?P<year>\d{4})-(?P<m>\d{2})-(?P<day>\d{2})\b"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:,?\s+(?P<year>\d{{4}}))?\b", re.I),
    re.compile(rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<year>\d{{4}})\b)?", re.I),
    re.compile(rf"\b{_MONTH},?\s+(?P<year>\d{{4}})\b", re.I),
]
_SLASHED = re.compile(r"\b(?P<a>\d{1,2})[/.](?P<b>\d{1,2})[/.](?P<year>\d{4})\b")
_NUMBER = re.compile(
    r"(?P<currency>[$€£¥]\s?)?(?<![\w.])(?P<value>\d{1,3}(?:[,'\u2009\u202f ]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<ordinal>st|nd|rd|th)?(?:\s?(?P<tail>[%€$£¥]|°[CF]|[A-Za-z]+))?(?:\s(?P<tail2>[A-Za-z]+))?"
)
_ANY_ONE, _ANY_TEN = "|".join(sorted(_ONES.split(), key=len, reverse=True)), "|".join(_TENS.split())
_SPELT = re.compile(
    rf"\b(?:(?P<tens>{_ANY_TEN})(?:[- ](?P<unit>{'|'.join(_ONES.split()[1:10])}))?|(?P<one>{_ANY_ONE}))\b"
    r"(?:\s(?P<tail>[A-Za-z]+))?(?:\s(?P<tail2>[A-Za-z]+))?",
    re.I,
)
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|cannot|without|hardly|nicht|kein(?:e[nmrs]?)?|nie|jamais|nunca)\b"
    r"|n't\b",
    re.I,
)
_NAME = re.compile(r"\b[^\W\d_a-zà-ÿ][\w’'&.-]*(?:\s+[^\W\d_a-zà-ÿ][\w’'&.-]*)*")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as text gives it."""

    value: Decimal
    unit: str  # "%", "$", "day" ...; "" when none is written next to it
    # A small number in words without a unit, as in "these two": it supports other texts and needs no support itself.
    loose: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Date:
    """A calendar date; 0 stands for what the text leaves open."""

    year: int
    month: int
    day: int
    either: bool = False  # month and day may as well be the other way round, as in 3/12/2024


@dataclass(frozen=True, slots=True)
class Facts:
    """What one text states exactly."""

    quantities: frozenset[Quantity]
    dates: frozenset[Date]
    names: frozenset[str]  # single words, stemmed, of capitalised runs
    denies: bool  # an odd number of negations


def facts(text: str) -> Facts:
    """Return the exact facts of `text`."""
    text = plain(text)
    dates, rest = _dates(text)
    return Facts(_quantities(rest), dates, frozenset(names(text)), len(_NEGATION.findall(text)) % 2 == 1)


def unsupported(claim: Facts, source: Facts, source_words: frozenset[str]) -> tuple[str, ...]:
    """Return what `claim` states exactly and `source` does not, in words; empty when all of it is there.

    `source_words` are the stems of everything in the source, in which names are looked for.
    """
    known = source.quantities | {Quantity(Decimal(part), "") for d in source.dates for part in _parts(d)}
    missing = [
        f"number {q.value:f} {q.unit}".rstrip()
        for q in claim.quantities
        if not q.loose and not any(_same(q, k) for k in known)
    ]
    missing += [f"date {_spell(d)}" for d in claim.dates if not any(_within(d, k) for k in source.dates)]
    missing += [f"name {name!r}" for name in claim.names if not _named(name, source_words)]
    return tuple(sorted(missing))


def names(text: str) -> set[str]:
    """Return the stems of capitalised words that are not there only because a sentence begins."""
    found: set[str] = set()
    for run in _NAME.finditer(plain(text)):
        words = [w.strip(".'-").removesuffix("'s") for w in run[0].split()]
        if _begins_sentence(text, run.start()) and (len(words) == 1 or words[0].lower() in STOP):
            words = words[1:] if words[0][1:].islower() or len(words[0]) == 1 else words
        lower = [word.lower() for word in words if len(word) > 1]
        found.update(stem(word) for word in lower if word not in STOP and word not in _MONTHS)
    return found


def _begins_sentence(text: str, position: int) -> bool:
    before = text[:position].rstrip(" \"'(*-•")
    return not before or before[-1] in ".!?:\n。！？"


def _named(name: str, words: frozenset[str]) -> bool:
    if name in words:
        return True
    return len(name) >= 4 and any(len(w) >= 4 and (w.startswith(name) or name.startswith(w)) for w in words)


def _dates(text: str) -> tuple[frozenset[Date], str]:
    found: set[Date] = set()
    for pattern in _DATES:
        for match in pattern.finditer(text):
            group = match.groupdict()
            month = int(group["m"]) if group.get("m") else _MONTHS[group["month"].lower()]
            found.add(Date(int(group.get("year") or 0), month, int(group.get("day") or 0)))
        text = pattern.sub(" ", text)
    for match in _SLASHED.finditer(text):
        a, b, year = int(match["a"]), int(match["b"]), int(match["year"])
        if min(a, b) <= 12 and max(a, b) <= 31:
            month, day = (a, b) if a <= 12 else (b, a)
            found.add(Date(year, month, day, either=max(a, b) <= 12))
    return frozenset(found), _SLASHED.sub(" ", text)


def _quantities(text: str) -> frozenset[Quantity]:
    found: set[Quantity] = set()
    for match in _NUMBER.finditer(text):
        try:
            value = Decimal(re.sub(r"[^\d.]", "", match["value"]))
        except InvalidOperation:
            continue
        found.add(_quantity(value, (match["currency"] or "").strip(), match["tail"], match["tail2"]))
    for match in _SPELT.finditer(text):
        whole, ones = (match["tens"] or match["one"]).lower(), (match["unit"] or "").lower()
        found.add(
            _quantity(Decimal(_WORDS[whole] + _WORDS.get(ones, 0)), "", match["tail"], match["tail2"], spelt=True)
        )
    return frozenset(found)


def _quantity(value: Decimal, unit: str, tail: str | None, tail2: str | None, spelt: bool = False) -> Quantity:
    for word in (tail, tail2):
        low = (word or "").lower()
        if low in _SCALES:
            value *= _SCALES[low]
        elif not unit:
            unit = _UNITS.get(low) or _UNITS.get(low.removesuffix("s")) or ""
            break
    return Quantity(value.normalize(), unit, loose=spelt and not unit and value <= _LOOSE)


def _same(claim: Quantity, known: Quantity) -> bool:
    return claim.value == known.value and (not claim.unit or not known.unit or claim.unit == known.unit)


def _within(claim: Date, known: Date) -> bool:
    turned = [(known.day, known.month)] if claim.either or known.either else []
    return any(
        all(not mine or mine == theirs for mine, theirs in zip(_parts(claim), (known.year, month, day), strict=True))
        for month, day in [(known.month, known.day), *turned]
    )


def _parts(date: Date) -> tuple[int, int, int]:
    return date.year, date.month, date.day


def _spell(date: Date) -> str:
    return "-".join(f"{part:02d}" for part in _parts(date) if part)
