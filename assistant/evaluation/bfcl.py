"""Function calls scored as the Berkeley Function-Calling Leaderboard scores them, on its files as they are.

The rules are those of its checker of syntax trees for Python: right count, right function, every required parameter,
no unexpected one, values of the right type among the accepted ones, optional parameters left out only where that is
accepted. Values of its Java and JavaScript files are compared by the same rules, as JSON, without its converters of
literals of those languages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Any
Accepted = Mapping[str, Sequence[Json]]  # accepted values by parameter; "" among them: may be left out

_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": bool,
    "array": list,
    "tuple": list,
    "dict": dict,
    "any": str,
    # of the Java and JavaScript files
    "String": str,
    "char": str,
    "long": int,
    "short": int,
    "byte": int,
    "double": float,
    "Boolean": bool,
    "Array": list,
    "ArrayList": list,
    "Hashtable": dict,
    "HashMap": dict,
    "Bigint": int,
    "Queue": list,
    "Stack": list,
}
_TO_SCHEMA: dict[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}
_IGNORED = re.compile(r"[ \,\.\/\-\_\*\^]")


@dataclass(frozen=True, slots=True)
class Call:
    """A function call."""

    name: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Row:
    """One question of a file."""

    id: str
    category: str
    question: str  # what the user says, all turns of the first exchange
    functions: tuple[Mapping[str, Json], ...]
    accepted: tuple[tuple[str, Accepted], ...]  # function and its parameters, per expected call


def is_row(raw: Mapping[str, Json]) -> bool:
    """Return whether `raw` is a line of a BFCL file."""
    return isinstance(raw.get("functions"), list) and isinstance(raw.get("question"), list) and "category" in raw


def read_row(raw: Mapping[str, Json]) -> Row:
    """Return a line of a BFCL file; raises KeyError or TypeError when it is none."""
    said = [message["content"] for message in raw["question"][0] if message["role"] == "user"]
    accepted = tuple((name, values) for truth in raw["ground_truth"] or () for name, values in truth.items())
    return Row(raw["id"], raw["category"], "\n".join(said), tuple(raw["functions"]), accepted)


def schema_of(function: Mapping[str, Json]) -> dict[str, Json]:
    """Return the JSON schema of a function's arguments, with BFCL's names of types mapped to JSON's."""
    return _schema(function["parameters"])


def wrong(row: Row, calls: Sequence[Call]) -> str | None:
    """Return why `calls` are not what the question asks for, None when they are right."""
    if not row.accepted:
        return f"called {calls[0].name} where nothing fits" if calls else None
    if len(calls) != len(row.accepted):
        return f"{len(calls)} calls where {len(row.accepted)} are right"
    left = list(calls)
    reason = ""
    for name, accepted in row.accepted:
        described = next(function for function in row.functions if function["name"] == name)
        for call in left:
            problem = _wrong_call(described, call, name, accepted)
            if problem is None:
                left.remove(call)
                break
            reason = problem
        else:
            return reason
    return None


def _wrong_call(described: Mapping[str, Json], call: Call, name: str, accepted: Accepted) -> str | None:
    if call.name != name:
        return f"called {call.name}, not {name}"
    parameters = described["parameters"]["properties"]
    missing = [each for each in described["parameters"].get("required", []) if each not in call.arguments]
    if missing:
        return f"left out {missing[0]}"
    for parameter, value in call.arguments.items():
        if parameter not in parameters or parameter not in accepted:
            return f"gave {parameter}, which is not expected"
        problem = _wrong_value(parameters[parameter], value, accepted[parameter])
        if problem:
            return f"{parameter}: {problem}"
    for parameter, values in accepted.items():
        if parameter not in call.arguments and "" not in values:
            return f"left out {parameter}, which is needed here"
    return None


def _wrong_value(described: Mapping[str, Json], value: Json, accepted: Sequence[Json]) -> str | None:
    expected = _TYPES.get(described["type"], str)
    inner = _TYPES.get(described["items"]["type"], str) if expected is list and "items" in described else None
    if expected is float and type(value) is int:
        value = float(value)
    fits, is_variable = _type_fits(value, accepted, expected, inner)
    if not fits:
        return f"{value!r} is no {described['type']}"
    if not is_variable:
        compare = _COMPARE.get(expected)
        if expected is list and inner is dict:
            compare = _same_dicts
        if compare is not None:
            return None if compare(value, accepted) else f"{value!r} is not accepted"
    return None if value in accepted else f"{value!r} is not accepted"


def _type_fits(value: Any, accepted: Sequence[Json], expected: type, inner: type | None) -> tuple[bool, bool]:
    """Return whether the type is right, and whether the accepted values are of another type than described."""
    known = next((type(each) for each in accepted if each != ""), None)
    is_variable = known is not None and known is not expected
    same = type(value) is expected  # exactly: True is no integer here
    if same:
        if inner is None:
            return True, is_variable
        for each in accepted:
            if not isinstance(each, list) or all(_type_fits(item, each, inner, None)[0] for item in value):
                return True, is_variable
        return False, is_variable
    return (True, True) if known is not None and type(value) is known else (False, is_variable)


def _plain(text: Json) -> Json:
    """Return a text without punctuation and capitals; everything else as it is."""
    return _IGNORED.sub("", text).lower().replace("'", '"') if isinstance(text, str) else text


def _plain_list(values: Json) -> Json:
    return [_plain(value) for value in values] if isinstance(values, list) else values


def _same_text(value: Json, accepted: Sequence[Json]) -> bool:
    return _plain(value) in [_plain(each) for each in accepted]


def _same_list(value: Json, accepted: Sequence[Json]) -> bool:
    return _plain_list(value) in [_plain_list(each) for each in accepted]


def _same_dict(value: Json, accepted: Sequence[Json]) -> bool:
    return any(isinstance(each, dict) and _matches(value, each) for each in accepted)


def _matches(value: Mapping[str, Json], accepted: Accepted) -> bool:
    for key, inner in value.items():
        if key not in accepted or _plain(inner) not in [_plain(each) for each in accepted[key]]:
            return False
    return all(key in value or "" in values for key, values in accepted.items())


def _same_dicts(value: Json, accepted: Sequence[Json]) -> bool:
    return any(
        isinstance(each, list)
        and len(each) == len(value)
        and all(isinstance(item, dict) and _same_dict(item, [one]) for item, one in zip(value, each, strict=True))
        for each in accepted
    )


_COMPARE: dict[type, Callable[[Json, Sequence[Json]], bool]] = {str: _same_text, list: _same_list, dict: _same_dict}


def _schema(described: Mapping[str, Json]) -> dict[str, Json]:
    result: dict[str, Json] = {}
    kind = described.get("type")
    if kind == "any":
        pass
    elif isinstance(kind, str):
        result["type"] = _TO_SCHEMA[_TYPES[kind]] if kind in _TYPES else "string" if kind != "object" else "object"
    for key in ("description", "enum", "required"):
        if key in described:
            result[key] = described[key]
    if isinstance(described.get("properties"), Mapping):
        result["properties"] = {name: _schema(inner) for name, inner in described["properties"].items()}
    if isinstance(described.get("items"), Mapping):
        result["items"] = _schema(described["items"])
    return result
