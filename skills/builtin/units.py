"""Units: exact conversion by small tables. Factors are the definitions of SI, the 1959 yard and pound, and IEC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated

from skills.builtin.calculator import evaluate, show
from skills.declare import EXACT, skill
from skills.errors import SkillRefusal

F = Fraction

# By dimension: every name that a unit goes by, and its factor to the base unit. Plurals in "s" are found by rule.
_UNITS = {
    "length": """m metre meter=1; km kilometre kilometer=1000; cm centimetre centimeter=1/100; mm millimetre
        millimeter=1/1000; um micrometre micrometer=1/1000000; nm nanometre nanometer=1/1000000000; in inch
        inches=0.0254; ft foot feet=0.3048; yd yard=0.9144; mi mile=1609.344; nmi nautical_mile=1852""",
    "mass": """kg kilogram kilo=1; g gram=1/1000; mg milligram=1/1000000; t tonne metric_ton=1000; lb pound
        lbs=0.45359237; oz ounce=0.028349523125; st stone=6.35029318; short_ton us_ton=907.18474""",
    "time": """s sec second=1; ms millisecond=1/1000; min minute=60; h hr hour=3600; d day=86400; week=604800;
        year=31557600""",
    "volume": """l litre liter=1; ml millilitre milliliter=1/1000; cl centilitre=1/100; m3 cubic_metre
        cubic_meter=1000; cm3 cc=1/1000; gal gallon us_gallon=3.785411784; imperial_gallon=4.54609; qt
        quart=0.946352946; pt pint=0.473176473; cup=0.2365882365; fl_oz fluid_ounce=0.0295735295625;
        tbsp tablespoon=0.01478676478125; tsp teaspoon=0.00492892159375; ft3 cubic_foot=28.316846592""",
    "area": """m2 square_metre square_meter=1; km2 square_kilometre square_kilometer=1000000; cm2=1/10000;
        ha hectare=10000; acre=4046.8564224; ft2 sqft square_foot square_feet=0.09290304; mi2
        square_mile=2589988.110336; in2 square_inch=0.00064516; yd2 square_yard=0.83612736""",
    "speed": """m/s mps=1; km/h kph kmh=5/18; mph mi/h=0.44704; kn knot=1852/3600; ft/s fps=0.3048""",
    "energy": """j joule=1; kj kilojoule=1000; cal calorie=4.184; kcal kilocalorie=4184; wh watt_hour=3600; kwh
        kilowatt_hour=3600000; mwh megawatt_hour=3600000000; btu=1055.05585262; ev electronvolt=1.602176634e-19""",
    "power": """w watt=1; kw kilowatt=1000; mw megawatt=1000000; hp horsepower=745.69987158227022; ps=735.49875""",
    "pressure": """pa pascal=1; hpa hectopascal=100; kpa kilopascal=1000; bar=100000; mbar millibar=100;
        atm atmosphere=101325; psi=6894.757293168361""",
    "data": """b byte=1; bit=1/8; kb kilobyte=1000; mb megabyte=1000000; gb gigabyte=1000000000; tb
        terabyte=1000000000000; kib kibibyte=1024; mib mebibyte=1048576; gib gibibyte=1073741824; tib
        tebibyte=1099511627776; kbit=125; mbit megabit=125000; gbit gigabit=125000000""",
    "angle": """deg degree=1; rad radian=57.295779513082320876798154814105; turn revolution=360; gon gradian=9/10""",
}


def _table(text: str) -> dict[str, Fraction]:
    """Return the factor by name of "a b=1/8; c=2"."""
    table: dict[str, Fraction] = {}
    for item in " ".join(text.split()).split(";"):
        names, factor = item.split("=")
        top, _, bottom = factor.partition("/")
        table |= dict.fromkeys(names.split(), F(top) / F(bottom or "1"))
    return table


_TABLES = {dimension: _table(text) for dimension, text in _UNITS.items()}
# Temperature has offsets: kelvin = value * factor + offset.
_KELVIN = {
    "k": (F(1), F(0)),
    "kelvin": (F(1), F(0)),
    "c": (F(1), F("273.15")),
    "celsius": (F(1), F("273.15")),
    "f": (F(5, 9), F("459.67") * F(5, 9)),
    "fahrenheit": (F(5, 9), F("459.67") * F(5, 9)),
}


_AMOUNT = r"(-?\d[\d,]*(?:\.\d+)?|an?|one|half an?)"
_UNIT = r"((?:degrees?\s+)?[a-z°/²³0-9 .]{1,30}?)"
_QUESTIONS = tuple(
    re.compile(form)
    for form in (
        rf"(?:please )?(?:convert|change|turn) {_AMOUNT}\s*{_UNIT} (?:to|into|in) {_UNIT}",
        rf"(?:what(?:'s| is| are)|how much (?:is|are))? ?{_AMOUNT}\s*{_UNIT} (?:to|into|in) {_UNIT}",
    )
)
_HOW_MANY = re.compile(
    rf"how (?:many|much) {_UNIT} (?:(?:are|is|make|do|does|fit)(?: there)?(?: in| into)?|in)"
    rf" {_AMOUNT}\s*{_UNIT}(?: have| make)?"
)
# Bits and bytes, milliwatts and megawatts: units go by any case here, so these are not read.
_CASE_MATTERS = re.compile(r"(?<![A-Za-z])(?:mW|[KMGT]b|[kmgt]B|b|mPa|mJ|Mm|MM|PS)(?![A-Za-z])")
_WORDS = {"a": "1", "an": "1", "one": "1", "half a": "0.5", "half an": "0.5"}


def _read(question: str) -> Mapping[str, str] | None:
    """Return amount and units of a question that is a conversion of units known here, and nothing else."""
    if _CASE_MATTERS.search(question):
        return None
    text = " ".join(question.lower().split()).strip(" ?.!")
    found = next(filter(None, (form.fullmatch(text) for form in _QUESTIONS)), None)
    if found:
        amount, one, other = found.groups()
    elif back := _HOW_MANY.fullmatch(text):
        other, amount, one = back.groups()
    else:
        return None
    try:
        convert(F(1), one, other)
    except SkillRefusal:
        return None
    return {"value": _WORDS.get(amount, amount.replace(",", "")), "from_unit": one.strip(), "to_unit": other.strip()}


@skill(reads=_read, tags=EXACT)
def convert_units(
    value: Annotated[str, "the amount, a number such as '12.5'"],
    from_unit: Annotated[str, "such as 'km', 'mile', 'lb', 'celsius', 'GB', 'km/h'"],
    to_unit: Annotated[str, "such as 'm', 'kg', 'fahrenheit', 'GiB', 'mph'"],
) -> str:
    """Convert an amount from one unit to another: length, mass, time, volume, area, speed, temperature, energy,
    power, pressure, data size or angle.

    Examples:
        How many kilometres are 30 miles?
        Convert 70 degrees fahrenheit to celsius
        How many feet are 3 metres?
        How many ounces are 500 grams?
        How many litres are 2 quarts?
        What is 3 days in minutes?
    """
    amount = evaluate(value)
    exact = amount if isinstance(amount, Fraction) else Fraction(amount)
    return f"{value} {from_unit} = {show(convert(exact, from_unit, to_unit), fraction=False)} {to_unit}"


def convert(value: Fraction, from_unit: str, to_unit: str) -> Fraction:
    """Return `value` in the other unit, exactly; raises SkillRefusal when the units do not match or are unknown."""
    one, other = _key(from_unit), _key(to_unit)
    if one in _KELVIN and other in _KELVIN:
        factor, offset = _KELVIN[one]
        back_factor, back_offset = _KELVIN[other]
        return (value * factor + offset - back_offset) / back_factor
    for table in _TABLES.values():
        if one in table and other in table:
            return value * table[one] / table[other]
    for unit, key in ((from_unit, one), (to_unit, other)):
        if key not in _KELVIN and not any(key in table for table in _TABLES.values()):
            raise SkillRefusal(f"There is no unit {unit[:40]!r} that I know.")
    raise SkillRefusal(f"{from_unit!r} and {to_unit!r} do not measure the same thing.")


def _key(unit: str) -> str:
    """Return the name under which a unit is listed: "Kilometers per hour" is km/h, "°C" is c."""
    name = (
        unit.strip()
        .lower()
        .replace("°", "")
        .replace("²", "2")
        .replace("³", "3")
        .replace("degrees ", "")
        .replace("degree ", "")
    )
    name = name.replace(" per ", "/").replace("^", "").strip().replace(" ", "_").replace("-", "_")
    name = {"kilometers/hour": "km/h", "kilometres/hour": "km/h", "miles/hour": "mph", "meters/second": "m/s"}.get(
        name, name
    )
    known = name in _KELVIN or any(name in table for table in _TABLES.values())
    return name if known or not name.endswith("s") else name[:-1]
