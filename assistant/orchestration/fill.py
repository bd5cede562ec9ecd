"""A schema with one place to fill, and the reader's words in it.

The small model writes JSON badly: it has learned to answer in words. A schema with one text or one number that may not
be null ({"answer": string}, {"days": integer}) asks for what the reader has found already. Others are left to a model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from assistant.guardrails import facts as exact
from assistant.guardrails.json_values import alternatives, types_of

_KINDS = ("string", "integer", "number")
# What a schema may say beside these would bound the words, which are the passage's own.
_OPEN = frozenset({"title", "description", "default", "examples", "$schema", "$defs", "$ref", "anyOf", "type"})
_OBJECT = _OPEN | {"properties", "required", "additionalProperties"}


def filled(schema: Mapping[str, Any], words: str) -> str | None:
    """Return the object of `schema` with `words` in its one place, and null in all others.

    None where another place may not be null or there is none, where the schema bounds the place, and where a number is
    wanted and `words` hold not exactly one.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or schema.get("type") != "object" or not schema.keys() <= _OBJECT:
        return None
    data, places = dict.fromkeys(properties), dict[str, str]()
    for name, inner in properties.items():
        held = alternatives([inner], schema)
        kinds = {str(kind) for one in held for kind in types_of(one)} - {"None"}
        if "null" in kinds:
            continue
        if len(kinds) != 1 or not kinds <= set(_KINDS) or not all(one.keys() <= _OPEN for one in held):
            return None
        places[name] = kinds.pop()
    if len(places) != 1:
        return None
    name, kind = next(iter(places.items()))
    value = words if kind == "string" else _number(words, kind)
    return None if value is None else json.dumps({**data, name: value}, ensure_ascii=False)


def _number(words: str, kind: str) -> int | float | None:
    found = {quantity.value for quantity in exact.facts(words).quantities}
    number = found.pop() if len(found) == 1 else None
    if number is None or exact.facts(words).dates:
        return None
    whole = number == int(number)
    return int(number) if whole else None if kind == "integer" else float(number)
