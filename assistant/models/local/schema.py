"""Which JSON schemas the engine lets through to the grammar compiler.

A schema that the compiler cannot digest breaks the whole pipeline, for everybody (measured with OpenVINO GenAI 2026.4:
every later step fails), so a schema is held against this allow-list first. It covers what skills and evaluations
ask for, and what OpenAI's package makes of a class: definitions are put where they are referred to. Whatever is not
listed is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})
NOTES = frozenset({"title", "description", "default", "examples", "$schema"})  # without effect on the grammar

MAX_NODES = 300
MAX_DEPTH = 12
MAX_LENGTH = 2_000  # of strings and arrays: a grammar with a counter of 1,000,000 takes seconds to compile


class SchemaRefused(ValueError):
    """The JSON schema uses something that is not on the list, or is too large."""


def check(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return `schema` without notes, safe to compile. Raises SchemaRefused with the place and the reason."""
    definitions = schema.get("$defs", {}) if isinstance(schema, Mapping) else {}
    if not isinstance(definitions, Mapping):
        raise SchemaRefused(f"The JSON schema has {definitions!r} where the $defs belong.")
    return _Checker(definitions).node(schema, "$", 0)


class _Checker:
    def __init__(self, definitions: Mapping[str, object]) -> None:
        self._nodes = 0
        self._definitions = definitions

    def node(self, schema: object, at: str, depth: int) -> dict[str, Any]:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise SchemaRefused(f"The JSON schema is too large at {at}: at most {MAX_NODES} parts, {MAX_DEPTH} deep.")
        if not isinstance(schema, Mapping):
            raise SchemaRefused(f"The JSON schema has {schema!r} at {at} where an object belongs.")
        if "$ref" in schema:
            return self.node(self._definition(schema, at), at, depth + 1)
        schema = {key: value for key, value in schema.items() if key not in NOTES and (key, at) != ("$defs", "$")}
        kinds = schema.get("type")
        if isinstance(kinds, list) and kinds:
            return self.node({"anyOf": [{**schema, "type": kind} for kind in kinds]}, at, depth + 1)
        kept = {key: self._keyword(key, value, at, depth) for key, value in schema.items()}
        if not kept.keys() & {"type", "enum", "const", "anyOf"}:
            raise SchemaRefused(f"The JSON schema says no type at {at}. Give a type, enum, const or anyOf.")
        if kept.get("properties") and isinstance(kept.get("additionalProperties"), dict):
            raise SchemaRefused(f"The JSON schema has properties and a schema for others at {at}. Use one of the two.")
        if kept.get("minimum") is not None and kept.get("type") != "integer":
            raise SchemaRefused(f"The JSON schema has a minimum at {at}, which only the type integer can have.")
        properties = kept.get("properties")
        if missing := set(schema.get("required", ())) - (properties.keys() if isinstance(properties, dict) else set()):
            raise SchemaRefused(f"The JSON schema requires {sorted(missing)} at {at}, which are not properties.")
        for least, most in (("minLength", "maxLength"), ("minItems", "maxItems")):
            low, high = kept.get(least, 0), kept.get(most, MAX_LENGTH)
            if isinstance(low, int) and isinstance(high, int) and low > high:
                raise SchemaRefused(f"The JSON schema has {least} above {most} at {at}.")
        return kept

    def _definition(self, schema: Mapping[str, object], at: str) -> object:
        """Return what `schema` refers to; one that refers to itself goes on until it is too deep."""
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        if name not in self._definitions or not schema.keys() <= {"$ref", "$defs", *NOTES}:
            raise SchemaRefused(f"The JSON schema's $ref at {at} has to name one of its $defs and stand alone.")
        return self._definitions[name]

    def _keyword(self, key: str, value: object, at: str, depth: int) -> object:
        rule = _RULES.get(key)
        if rule is None:
            known = ", ".join(sorted(_RULES))
            raise SchemaRefused(f"The JSON schema uses {key!r} at {at}, which is not one of {known}.")
        return rule(self, value, f"{at}.{key}", depth + 1)

    def properties(self, value: object, at: str, depth: int) -> dict[str, object]:
        if not isinstance(value, Mapping):
            raise SchemaRefused(f"The JSON schema has {value!r} at {at} where properties belong.")
        return {str(name): self.node(inner, f"{at}.{name}", depth) for name, inner in value.items()}

    def alternatives(self, value: object, at: str, depth: int) -> list[object]:
        if not isinstance(value, list) or not value:
            raise SchemaRefused(f"The JSON schema has {value!r} at {at} where a list of schemas belongs.")
        return [self.node(inner, f"{at}[{n}]", depth) for n, inner in enumerate(value)]

    def type(self, value: object, at: str, depth: int) -> object:
        if not isinstance(value, str) or value not in TYPES:
            raise SchemaRefused(f"The JSON schema has the type {value!r} at {at}, which is none of {sorted(TYPES)}.")
        return value

    def texts(self, value: object, at: str, depth: int) -> list[object]:
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise SchemaRefused(f"The JSON schema has {value!r} at {at} where a list of texts belongs.")
        return value

    def choices(self, value: object, at: str, depth: int) -> list[object]:
        if not isinstance(value, list) or not value or len(value) > MAX_NODES:
            raise SchemaRefused(f"The JSON schema needs 1 to {MAX_NODES} choices at {at}.")
        return [self.constant(choice, at, depth) for choice in value]

    def constant(self, value: object, at: str, depth: int) -> object:
        if value is not None and not isinstance(value, str | int | float | bool):
            raise SchemaRefused(f"The JSON schema has {value!r} at {at} where a text or a number belongs.")
        return value

    def switch(self, value: object, at: str, depth: int) -> object:
        return value if isinstance(value, bool) else self.node(value, at, depth)

    def zero(self, value: object, at: str, depth: int) -> object:
        if isinstance(value, bool) or value != 0:
            raise SchemaRefused(f"The JSON schema has the minimum {value!r} at {at}; only 0 can be held to.")
        return value

    def length(self, value: object, at: str, depth: int) -> object:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_LENGTH:
            raise SchemaRefused(f"The JSON schema has {value!r} at {at} where 0 to {MAX_LENGTH} belongs.")
        return value


_RULES: dict[str, Callable[[_Checker, object, str, int], object]] = {
    "type": _Checker.type,
    "properties": _Checker.properties,
    "required": _Checker.texts,
    "additionalProperties": _Checker.switch,
    "items": _Checker.node,
    "anyOf": _Checker.alternatives,
    "enum": _Checker.choices,
    "const": _Checker.constant,
    "minimum": _Checker.zero,
    "minLength": _Checker.length,
    "maxLength": _Checker.length,
    "minItems": _Checker.length,
    "maxItems": _Checker.length,
}
