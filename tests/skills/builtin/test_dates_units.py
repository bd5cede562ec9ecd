from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from skills.builtin.dates import date_skills
from skills.builtin.units import convert, convert_units
from skills.calling import Functions
from skills.errors import SkillRefusal
from skills.types import SkillCall, SkillResult
from tests.skills.conftest import ANNA

NOW = datetime(2024, 2, 28, 23, 30, tzinfo=UTC)


async def dates(name: str, **arguments: object) -> SkillResult:
    found = {skill.name: skill for skill in await Functions("dates", date_skills(lambda: NOW)).load()}
    return await found[name].run(SkillCall(name, arguments, ANNA))


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("current_time", {"timezone": "Asia/Kolkata"}, "Thursday, 2024-02-29, 05:00 (Asia/Kolkata, UTC+0530)"),
        ("current_time", {}, "Wednesday, 2024-02-28, 23:30 (UTC, UTC+0000)"),
        ("add_to_date", {"start": "2024-01-31", "months": 1}, "2024-02-29 (Thursday)"),
        ("add_to_date", {"start": "2024-02-29", "years": 1}, "2025-02-28 (Friday)"),
        ("add_to_date", {"start": "2024-03-01", "days": -1}, "2024-02-29 (Thursday)"),
        ("add_to_date", {"start": "2024-01-15", "months": -13, "weeks": 1}, "2022-12-22 (Thursday)"),
        ("weekday", {"day": "2000-01-01"}, "Saturday, 2000-01-01, week 52 of 1999, day 1 of the year"),
    ],
)
async def test_knows_the_calendar(name: str, arguments: dict[str, object], text: str) -> None:
    assert (await dates(name, **arguments)).text == text


async def test_counts_days_and_working_days() -> None:
    result = await dates("days_between", start="2024-02-23", end="2024-03-01")
    assert result.text.startswith("7 days (1.0 weeks); 5 working days")
    assert (await dates("days_between", start="2024-03-01", end="2024-02-23")).text.startswith("-7 days")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("weekday", {"day": "2023-02-29"}),
        ("weekday", {"day": "tomorrow"}),
        ("add_to_date", {"start": "9999-12-31", "days": 1}),
        ("add_to_date", {"start": "2024-01-01", "years": 10**12}),
        ("add_to_date", {"start": "2024-01-01", "days": 10**18}),
        ("current_time", {"timezone": "../../etc/passwd"}),
        ("current_time", {"timezone": "Mars/Olympus"}),
        ("current_time", {"timezone": "/etc/localtime"}),
        ("current_time", {"timezone": ""}),
        ("current_time", {"timezone": "a" * 10_000}),
    ],
)
async def test_refuses_dates_and_zones_that_do_not_exist(name: str, arguments: dict[str, object]) -> None:
    assert (await dates(name, **arguments)).status == "retry"


@pytest.mark.parametrize(
    ("value", "one", "other", "text"),
    [
        ("5", "km", "mile", "5 km = about 3.10685596118667 mile"),
        ("100", "C", "F", "100 C = 212 F"),
        ("-40", "fahrenheit", "celsius", "-40 fahrenheit = -40 celsius"),
        ("0", "°C", "K", "0 °C = 273.15 K"),
        ("1", "lb", "kg", "1 lb = 0.45359237 kg"),
        ("90", "km/h", "m/s", "90 km/h = 25 m/s"),
        ("36", "kilometers per hour", "m/s", "36 kilometers per hour = 10 m/s"),
        ("1", "GiB", "MB", "1 GiB = 1073.741824 MB"),
        ("2", "Hours", "minutes", "2 Hours = 120 minutes"),
        ("1/2", "day", "h", "1/2 day = 12 h"),
    ],
)
def test_converts_exactly(value: str, one: str, other: str, text: str) -> None:
    assert convert_units(value, one, other) == text


@pytest.mark.parametrize(("one", "other"), [("kg", "m"), ("parsnip", "m"), ("m", "parsnip"), ("c", "m"), ("", "")])
def test_refuses_units_that_do_not_match(one: str, other: str) -> None:
    with pytest.raises(SkillRefusal):
        convert(Fraction(1), one, other)
