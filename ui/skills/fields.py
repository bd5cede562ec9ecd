"""One field of a form for each argument of a skill, as its JSON schema describes it, and what was filled in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from ui.scrub import plain
from ui.wire import Skill

Schema = Mapping[str, object]
Shape = Literal["choice", "switch", "whole", "number", "text", "json", "any"]

LONG_CHARS = 1_000  # a text that may have as many gets more than a line
_MAX_CHARS = 5_000
_EXACT = 2**53 - 1  # beyond it a browser rounds numbers, and Streamlit takes no bound
_SHAPES: dict[object, Shape] = {
    "boolean": "switch",
    "integer": "whole",
    "number": "number",
    "string": "text",
    "array": "json",
    "object": "json",
}
_EXAMPLES: dict[Shape, object] = {"switch": True, "whole": 1, "number": 1.5, "text": "text", "json": {}, "any": "text"}


class Unfilled(ValueError):
    """A field does not hold what its schema asks for; the message says so to the person."""


def arguments(skill: Skill) -> dict[str, Schema]:
    """Return the schema of each argument, those that may be null or stand elsewhere in the schema as what they hold."""
    found = skill.parameters.get("properties")
    if not isinstance(found, dict):
        return {}
    return {name: held(one, skill.parameters) for name, one in found.items() if isinstance(one, dict)}


def required(skill: Skill) -> frozenset[str]:
    """Return the names of the arguments that a call must have."""
    found = skill.parameters.get("required")
    return frozenset(str(name) for name in found) if isinstance(found, list) else frozenset()


def held(schema: Schema, whole: Schema) -> Schema:
    """Return what a schema holds besides null, with what it refers to within `whole` in its place."""
    for _ in range(8):  # a schema may refer to itself
        inner = _referred(schema, whole) or _optional(schema)
        if inner is None:
            break
        outer = {key: value for key, value in schema.items() if key not in ("$ref", "anyOf", "oneOf", "allOf")}
        schema = {**inner, **outer}
    kinds = schema.get("type")
    if isinstance(kinds, list):
        left = [one for one in kinds if one != "null"]
        schema = {**schema, "type": left[0] if len(left) == 1 else None}
    return schema


def shape(schema: Schema) -> Shape:
    """Return which field fits a schema."""
    if choices(schema):
        return "choice"
    return _SHAPES.get(schema.get("type"), "any")


def choices(schema: Schema) -> list[object]:
    """Return the values to choose from; empty where there are none to choose from."""
    if "const" in schema:
        return [schema["const"]]
    found = schema.get("enum")
    return [one for one in found if one is not None] if isinstance(found, list) else []


def example(schema: Schema) -> str:
    """Return a value of a list or an object as JSON."""
    given = schema.get("examples")
    if isinstance(given, list) and given:
        return json.dumps(given[0], ensure_ascii=False)
    return json.dumps(_value(schema, depth=0), ensure_ascii=False)


def show(name: str, schema: Schema, needed: bool, key: str) -> object:
    """Show the field of an argument and return what it holds: None or "" where it was left empty."""
    label = plain(f"{name} (required)" if needed else name, 80)
    said = plain(str(schema.get("description") or ""), 300) or None
    default, kind = schema.get("default"), shape(schema)
    if kind == "choice":
        offered = choices(schema)
        first = offered.index(default) if default in offered else 0 if needed and len(offered) == 1 else None
        return st.selectbox(label, offered, index=first, format_func=_named, help=said, key=key, placeholder="Choose")
    if kind == "switch":
        return st.checkbox(label, value=default is True, help=said, key=key)
    if kind in ("whole", "number"):
        low, high, start = _whole_bounds(schema) if kind == "whole" else _bounds(schema)
        bounds: dict[str, Any] = {"min_value": low, "max_value": high, "value": start}
        bounds |= {"step": 1} if kind == "whole" else {"format": "%g"}  # its usual format hides what is below 0.01
        return st.number_input(label, **bounds, help=said, key=key, placeholder=_between(low, high))
    if kind == "json":
        written = json.dumps(default, ensure_ascii=False) if isinstance(default, list | dict) else ""
        return st.text_area(
            label, value=written, placeholder=example(schema), help=said, max_chars=20_000, height=100, key=key
        )
    most_chars = _count(schema.get("maxLength"))
    start_text = default if isinstance(default, str) else "" if default is None else json.dumps(default)
    limit = max(most_chars or _MAX_CHARS, len(start_text))
    if most_chars is not None and most_chars >= LONG_CHARS:
        return st.text_area(label, value=start_text, max_chars=limit, help=said, height=140, key=key)
    return st.text_input(label, value=start_text, max_chars=limit, help=said, key=key)


def read(name: str, given: object, schema: Schema, needed: bool) -> dict[str, object]:
    """Return the argument that a field holds, by its name; empty where it is to be left out of the call.

    Raises Unfilled for one that is needed and empty, and for what is not JSON where a list or an object is asked for.
    """
    kind = shape(schema)
    if kind == "switch":
        # An unticked box says no where something else is usual or an answer is needed; elsewhere it says nothing.
        return {name: bool(given)} if given or needed or schema.get("default") is not None else {}
    empty = given is None or (isinstance(given, str) and not given.strip())
    if empty:
        if needed:
            raise Unfilled(f"Fill in {name!r}: it is required.")
        return {}
    if kind in ("json", "any") and isinstance(given, str):
        return {name: _json(name, given, schema, strict=kind == "json")}
    return {name: given}


def _json(name: str, text: str, schema: Schema, strict: bool) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        if strict:
            raise Unfilled(f"{name!r} is not written as JSON writes it, such as {example(schema)}.") from exc
        return text


def _referred(schema: Schema, whole: Schema) -> Schema | None:
    place = schema.get("$ref")
    if not isinstance(place, str) or not place.startswith("#/"):
        return None
    found: object = whole
    for part in place[2:].split("/"):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else None


def _optional(schema: Schema) -> Schema | None:
    """Return the one alternative of a schema that is not null; None where there are several or none."""
    for word in ("anyOf", "oneOf", "allOf"):
        several = schema.get(word)
        if isinstance(several, list):
            left = [one for one in several if isinstance(one, Mapping) and one.get("type") != "null"]
            if len(left) == 1:
                return dict(left[0])
    return None


def _value(schema: Schema, depth: int) -> object:
    if offered := choices(schema):
        return offered[0]
    kind, items, inside = shape(schema), schema.get("items"), schema.get("properties")
    if schema.get("type") == "array":
        return [_value(items if isinstance(items, Mapping) else {}, depth + 1)] if depth < 3 else []
    if isinstance(inside, Mapping) and depth < 3:
        return {str(name): _value(one, depth + 1) for name, one in inside.items() if isinstance(one, Mapping)}
    return _EXAMPLES[kind]


def _bounds(schema: Schema) -> tuple[float | None, float | None, float | None]:
    """Return the least and the most that a number may be, and what is usual; None for what is not said."""
    low = _number(schema.get("minimum", schema.get("exclusiveMinimum")))
    high = _number(schema.get("maximum", schema.get("exclusiveMaximum")))
    if low is not None and high is not None and low > high:
        low = high = None
    start = _number(schema.get("default"))
    fits = start is not None and (low is None or start >= low) and (high is None or start <= high)
    return low, high, start if fits else None


def _whole_bounds(schema: Schema) -> tuple[int | None, int | None, int | None]:
    low, high, start = _bounds(schema)
    least = None if low is None else math.ceil(low) + ("minimum" not in schema and low == math.ceil(low))
    most = None if high is None else math.floor(high) - ("maximum" not in schema and high == math.floor(high))
    if least is not None and most is not None and least > most:
        least = most = None
    usual = None if start is None else int(start)
    fits = usual is not None and (least is None or usual >= least) and (most is None or usual <= most)
    return least, most, usual if fits else None


def _number(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _EXACT
    return float(value) if usable and isinstance(value, int | float) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _between(low: float | None, high: float | None) -> str | None:
    parts = ([f"from {low:g}"] if low is not None else []) + ([f"to {high:g}"] if high is not None else [])
    return " ".join(parts) or None


def _named(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
