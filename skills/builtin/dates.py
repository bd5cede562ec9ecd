"""Dates: today, differences, sums, weekdays. The clock is handed in, so that tests know what day it is."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from skills.builtin.dates_said import added_in, between_in, now_in, reading, weekday_in
from skills.declare import EXACT, skill
from skills.errors import SkillRefusal

IsoDate = Annotated[date, "a date as YYYY-MM-DD"]
_MAX_DAYS = 4_000_000


def date_skills(now: Callable[[], datetime]) -> list[Callable[..., object]]:
    """Return the skills about dates; `now` returns the present time with its time zone."""

    def today() -> date:
        return now().date()

    @skill(reads=now_in, tags=EXACT)
    def current_time(
        timezone: Annotated[str, "IANA name such as 'Europe/Berlin' or 'Asia/Kolkata'"] = "UTC",
    ) -> str:
        """Tell today's date, the weekday and the time of day in a time zone.

        Examples:
            What day is it today?
            What time is it now in Tokyo?
        """
        here = now().astimezone(_zone(timezone))
        return f"{here:%A}, {here:%Y-%m-%d}, {here:%H:%M} ({timezone}, UTC{here:%z})"

    between, added, day = reading(between_in, today), reading(added_in, today), reading(weekday_in, today)
    dated: list[Callable[..., object]] = [
        skill(reads=between, tags=EXACT)(days_between),
        skill(reads=added, tags=EXACT)(add_to_date),
        skill(reads=day, tags=EXACT)(weekday),
    ]
    return [current_time, *dated]


def days_between(start: IsoDate, end: IsoDate) -> str:
    """Count the days, weeks and working days (Monday to Friday) from one date to another, or how old something is.

    Examples:
        How many days are there between 2026-01-15 and 2026-03-01?
        How many working days are left until 2026-12-31?
    """
    days = (end - start).days
    first, last = min(start, end), max(start, end)
    unit = "day" if abs(days) == 1 else "days"
    return f"{days} {unit} ({days / 7:.1f} weeks); {_workdays(first, last)} working days after {first} up to {last}"


def add_to_date(start: IsoDate, days: int = 0, weeks: int = 0, months: int = 0, years: int = 0) -> str:
    """Find the date that lies a number of days, weeks, months or years after a date (negative: before it).

    A month that is too short gives its last day: one month after January 31 is February 28 or 29.

    Examples:
        Which date is 90 days after 2026-03-15?
    """
    total = start.year * 12 + start.month - 1 + months + 12 * years
    year, month = divmod(total, 12)
    if not 1 <= year <= 9999 or abs(days) + 7 * abs(weeks) > _MAX_DAYS:
        raise SkillRefusal("That date lies outside the years 1 to 9999.")
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    try:
        found = date(year, month + 1, day) + timedelta(days=days, weeks=weeks)
    except OverflowError as exc:
        raise SkillRefusal("That date lies outside the years 1 to 9999.") from exc
    return f"{found.isoformat()} ({found:%A})"


def weekday(day: IsoDate) -> str:
    """Tell which weekday a date falls on, its ISO week and its day of the year.

    Examples:
        Which weekday is 2026-12-24?
    """
    year, week, _ = day.isocalendar()
    return f"{day:%A}, {day.isoformat()}, week {week} of {year}, day {day.timetuple().tm_yday} of the year"


def system_now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise SkillRefusal(f"There is no time zone {name[:60]!r}. Use a name such as 'Europe/Berlin'.") from exc


def _workdays(first: date, last: date) -> int:
    """Count Monday to Friday in (first, last]."""
    weeks, rest = divmod((last - first).days, 7)
    return weeks * 5 + sum(1 for n in range(1, rest + 1) if (first.weekday() + n) % 7 < 5)
