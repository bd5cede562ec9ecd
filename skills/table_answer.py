"""What a question to a table came to, in one sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from skills.table_select import Reading

MAX_LISTED = 30
Row = Mapping[str, Any]


def sentence(reading: Reading, table: str, rows: Sequence[Row]) -> str:
    """Return the answer that `rows`, the result of the reading's SQL, give to the question about `table`."""
    values, place = [list(row.values()) for row in rows], f"{table}{reading.limits}"
    if not values or reading.shape == "value" and all(row[-1] is None for row in values):
        return f"{place} has no value for: {reading.about}."
    if reading.shape == "columns":
        return f"{table} has {len(values)} column{_s(values)}: {', '.join(str(row[0]) for row in values)}."
    if reading.shape == "parts":
        each = ", ".join(f"{row[0]} {written(row[1])}" for row in values[1:])
        return f"The {reading.about} in {place} is {written(values[0][1])}: {each}."
    if len(values) == 1 and (reading.shape == "value" or reading.shape == "values" and reading.limits):
        return f"The {reading.about} in {place} is {written(values[0][-1])}."
    if reading.shape == "best":
        return f"{_names(values)} {_has(values)} the {reading.about} in {place}: {written(values[0][1])}."
    if reading.shape == "either":
        return _either(reading, place, values)
    if reading.shape == "values" and len(values) <= MAX_LISTED:
        listed = ", ".join(written(row[0]) for row in values)
        return f"{place} has {len(values)} different value{_s(values)} of {reading.about}: {listed}."
    return f"The {reading.about} in {place}:"


def written(value: object) -> str:
    """Return a value as people read it: thousands apart, at most four decimals."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return "none" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _either(reading: Reading, place: str, values: Sequence[Sequence[Any]]) -> str:
    totals = [row for row in values if row[2] == "total"]
    singles = [row for row in values if row[2] == "single"]
    total = f"{_names(totals)} {_has(totals)} the {reading.extreme} total {reading.about} in {place}: "
    single = f"the {reading.extreme} in a single row is that of {_names(singles)}: {written(singles[0][1])}"
    return f"{total}{written(totals[0][1])}; {single}."


def _names(values: Sequence[Sequence[Any]]) -> str:
    names = list(dict.fromkeys(written(row[0]) for row in values))
    if len(names) > MAX_LISTED:
        names = [*names[:MAX_LISTED], f"{len(names) - MAX_LISTED} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _has(values: Sequence[Sequence[Any]]) -> str:
    return "has" if len({str(row[0]) for row in values}) == 1 else "have"


def _s(values: Sequence[object]) -> str:
    return "" if len(values) == 1 else "s"
