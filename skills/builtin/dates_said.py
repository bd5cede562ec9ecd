"""Dates as people say them, and the questions about dates that rules can read. A word too many ends the reading."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FEASTS = {
    "christmas": (12, 25), "christmas day": (12, 25), "christmas eve": (12, 24), "boxing day": (12, 26),
    "new year": (1, 1), "new year's day": (1, 1), "new years day": (1, 1), "new year's eve": (12, 31),
    "halloween": (10, 31), "valentine's day": (2, 14), "may day": (5, 1),
    "the end of the year": (12, 31), "the end of year": (12, 31), "year end": (12, 31), "the year ends": (12, 31),
}  # fmt: skip
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_FORMS = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"), (1, 2, 3)),
    (re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})"), (3, 2, 1)),
    (re.compile(rf"(?:the\s+)?{_MONTH}\s+{_DAY}(?:,?\s+(\d{{4}}))?"), (3, 1, 2)),
    (re.compile(rf"(?:the\s+)?{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+(\d{{4}}))?"), (3, 2, 1)),
)
_COUNT = r"(\d+|a|an|one|two|three|four|five|six|seven|eight|nine|ten|twelve)"
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_NUMBERS |= {"nine": 9, "ten": 10, "twelve": 12}
_UNIT = r"(day|week|month|year)s?"
_D = r"(.{3,40}?)"
_BETWEEN = tuple(
    re.compile(form)
    for form in (
        rf"how many (?:(?:working|business|calendar|week)\s?)?(?:days|weeks)\b.* between {_D} and {_D}",
        rf"how many (?:(?:working|business|calendar|week)\s?)?(?:days|weeks)\b.* from {_D} (?:to|until|till) {_D}",
        rf"(?:count )?(?:the )?(?:working |business )?days (?:between|from) {_D} (?:and|to|until) {_D}",
    )
)
_UNTIL = re.compile(
    rf"(?:how (?:many (?:(?:working|business|calendar) )?(?:days|weeks)|long)"
    rf"(?: is it| are there| are left| left| remain| do we have)?"
    rf"(?: from (?:now|today))?|days) (?:until|till|to|before) {_D}"
)
_SINCE = re.compile(
    rf"how (?:many (?:(?:working|business|calendar) )?(?:days|weeks)|long)"
    rf"(?: is it| has it been| have passed| ago is| ago was| have gone by)? since {_D}"
)
_ADDED = tuple(
    re.compile(form)
    for form in (
        rf"(?:what|which) (?:date|day)(?: of the week)? (?:is|was|will be|lies|comes)(?: it)? {_COUNT} {_UNIT}"
        rf" (?P<way>after|from|before) {_D}",
        rf"(?:what|which) (?:date|day) (?:is|was|will)(?: it)?(?: be)? in {_COUNT} {_UNIT}",
        rf"(?:what|which) (?:date|day) (?:is|was)(?: it)? {_COUNT} {_UNIT} (?P<way>ago)",
        rf"(?:add |what is |what's )?{_COUNT} {_UNIT} (?P<way>after|to|from|before) {_D}",
    )
)
_WEEKDAY = tuple(
    re.compile(form)
    for form in (
        rf"(?:what|which) (?:weekday|day of the week|day|week|calendar week) (?:is|was|will) {_D}(?: be)?",
        rf"(?:on )?(?:what|which) (?:weekday|day of the week|day) (?:does|did|will) {_D} fall(?: on)?",
    )
)
_NOW = re.compile(
    r"(?:(?:what|which)(?:'s| is) (?:the |today's |current )*(?:date|day|time|weekday)(?: and time)?"
    r"(?: of (?:the )?day)?(?: is it)?"
    r"|(?:what|which) (?:time|day|date|weekday|day of the week) is (?:it|today)|what's the time|today's date)"
    r"(?: today| now| right now| currently| here)*(?: in ([a-z .'-]{3,30}?))?(?: today| now| right now| currently)*"
)


def date_in(said: str, today: date, back: bool = False) -> date | None:
    """Return the day that `said` (lower case) is in so many words.

    Without a year it is the next one that comes, or with `back` the last one that was.
    """
    text = said.strip(" ?.!,")
    for shift, words in ((0, ("today", "now")), (1, ("tomorrow",)), (-1, ("yesterday",))):
        if text in words:
            return today + timedelta(days=shift)
    if text in _FEASTS:
        return _nearest(*_FEASTS[text], today, back)
    if back and text in _WEEKDAYS:
        return today - timedelta(days=(today.weekday() - _WEEKDAYS.index(text)) % 7)
    if found := re.fullmatch(rf"(?:next |the next |this |coming )?({'|'.join(_WEEKDAYS)})", text):
        return today + timedelta(days=(_WEEKDAYS.index(found[1]) - today.weekday() - 1) % 7 + 1)
    for form, places in _FORMS:
        if found := form.fullmatch(text):
            year, month, day = (found[place] for place in places)
            number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
            return _on(int(year), number, int(day)) if year else _nearest(number, int(day), today, back)
    return None


def between_in(question: str, today: date) -> dict[str, Any] | None:
    """Return the two days between which the question counts; None where it is another question."""
    text = _plain(question)
    for form in _BETWEEN:
        if found := form.fullmatch(text):
            return _days(date_in(found[1], today), date_in(found[2], today))
    if found := _UNTIL.fullmatch(text):
        return _days(today, date_in(found[1], today))
    if found := _SINCE.fullmatch(text):
        day = date_in(found[1], today, back=True)
        return None if day is None or day > today else _days(day, today)
    return None


def added_in(question: str, today: date) -> dict[str, Any] | None:
    """Return the day from which the question counts on or back, and how far; None where it is another question."""
    text = _plain(question)
    found = next(filter(None, (form.fullmatch(text) for form in _ADDED)), None)
    if found is None:
        return None
    groups = [group for group in found.groups() if group is not None]
    way = found.groupdict().get("way") or "after"
    start = date_in(groups[-1], today) if len(groups) == 4 else today
    count = int(groups[0]) if groups[0].isdigit() else _NUMBERS[groups[0]]
    if start is None or count > 100_000:
        return None
    return {"start": start.isoformat(), f"{groups[1]}s": -count if way in ("before", "ago") else count}


def weekday_in(question: str, today: date) -> dict[str, Any] | None:
    """Return the day whose weekday is asked for; None where it is another question."""
    text = _plain(question)
    found = next(filter(None, (form.fullmatch(text) for form in _WEEKDAY)), None)
    day = None if found is None else date_in(found[1], today)
    return None if day is None or text.endswith(("is today", "day is now")) else {"day": day.isoformat()}


def now_in(question: str) -> dict[str, Any] | None:
    """Return the time zone in which date and time are asked for; None where it is another question."""
    found = _NOW.fullmatch(_plain(question))
    if found is None:
        return None
    zone = _zones().get(found[1].strip().replace(" ", "_")) if found[1] else None
    return {} if not found[1] else {"timezone": zone} if zone else None


def reading(
    read: Callable[[str, date], dict[str, Any] | None], today: Callable[[], date]
) -> Callable[[str], dict[str, Any] | None]:
    """Return a reader of questions that knows what day it is when it reads."""
    return lambda question: read(question, today())


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """Return time zones by the city that they are named after, in lower case."""
    return {
        name.rsplit("/", 1)[-1].lower(): name
        for name in sorted(available_timezones())
        if "/" in name and not name.startswith("Etc/")
    }


def _plain(question: str) -> str:
    text = " ".join(question.lower().replace("’", "'").split()).strip(" ?.!")
    return (
        re.sub(r"^(?:(?:please|hey|and|so|tell me|can you tell me|do you know),? )+", "", text)
        .removesuffix(" please")
        .strip(" ,")
    )


def _days(start: date | None, end: date | None) -> dict[str, Any] | None:
    return {"start": start.isoformat(), "end": end.isoformat()} if start and end else None


def _nearest(month: int, day: int, today: date, back: bool) -> date | None:
    this = _on(today.year, month, day)
    if this is None or this == today or (this < today) == back:
        return this
    return _on(today.year + (-1 if back else 1), month, day)


def _on(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
