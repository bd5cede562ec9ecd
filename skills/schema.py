"""JSON schemas of arguments: references inlined, strangers' keywords bounded, arguments checked against them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jsonschema
from jsonschema.validators import extend
from referencing import Registry

from skills.errors import BadSkill
from skills.types import Arguments, Schema

MAX_NODES = 20_000  # of one inlined schema: the largest of our sample documents needs 3,100
MAX_DEPTH = 40
_DROPPED = frozenset({"title", "$schema", "$id", "$comment", "$defs", "definitions", "example", "examples", "xml"})
_VALUES = frozenset({"default", "const", "enum"})  # hold data, not schemas


def _unchecked(validator: object, value: object, instance: object, schema: object) -> None:
    """Accept everything.

    `pattern` is a regular expression of whoever wrote the schema, run over text of whoever wrote the arguments:
    Python's engine can be kept busy for hours that way, so that check is left to the far side.
    """


_Validator = extend(  # type: ignore[no-untyped-call]  # the stubs leave it untyped
    jsonschema.Draft202012Validator, {"pattern": _unchecked, "patternProperties": _unchecked}
)
# An empty registry keeps the validator from fetching references over the network.
_NO_FETCH: Registry[Any] = Registry()


def inline(schema: object, root: object) -> Schema:
    """Return `schema` with each "$ref" of the form "#/..." replaced by what it points to in `root`.

    A reference that leads back into itself becomes {} (anything). Raises BadSkill on a reference to another document
    or to nothing, on nesting over 40 levels, and when the result has over 20,000 nodes.
    """
    result = _Inliner(root).node(schema, (), 0)
    if not isinstance(result, dict):
        raise BadSkill(f"A schema has to be an object, not {type(schema).__name__}.")
    return result


class _Inliner:
    def __init__(self, root: object) -> None:
        self._root = root
        self._nodes = 0

    def node(self, value: object, open_refs: tuple[str, ...], depth: int) -> object:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise BadSkill(f"A schema is too large: over {MAX_NODES} nodes or {MAX_DEPTH} levels. Describe less of it.")
        if isinstance(value, list):
            return [self.node(item, open_refs, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        ref = value.get("$ref")
        if isinstance(ref, str):
            if ref in open_refs:
                return {}
            target = point(self._root, ref)
            siblings = {key: item for key, item in value.items() if key != "$ref"}
            merged = {**target, **siblings} if isinstance(target, dict) else target
            return self.node(merged, (*open_refs, ref), depth + 1)
        return {
            str(key): self._keyword(str(key), item, open_refs, depth)
            for key, item in value.items()
            if key not in _DROPPED
        }

    def _keyword(self, key: str, value: object, open_refs: tuple[str, ...], depth: int) -> object:
        if key in _VALUES:
            return value
        if key == "properties":  # here keys are names of the far side: one may be called "title" or "default"
            named = value if isinstance(value, dict) else {}
            return {str(name): self.node(item, open_refs, depth + 1) for name, item in named.items()}
        return self.node(value, open_refs, depth + 1)


def point(root: object, ref: str) -> object:
    """Return what the JSON pointer `ref` ("#/a/b") names inside `root`; raises BadSkill when it leads elsewhere."""
    if not ref.startswith("#"):
        raise BadSkill(f"The reference {ref[:200]!r} leads to another document. Put what it names into this one.")
    here = root
    for part in ref[1:].split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list) and key.isdigit() and int(key) < len(here):
            here = here[int(key)]
        elif isinstance(here, Mapping) and key in here:
            here = here[key]
        else:
            raise BadSkill(f"The reference {ref[:200]!r} names nothing in its document. Correct it.")
    return here


def tidy(schema: object) -> Schema:
    """Return an object schema that models and grammars can take: inlined, with "properties", unknown keys forbidden."""
    if not isinstance(schema, dict):
        raise BadSkill("The arguments of a skill have to be described by a JSON schema object.")
    plain = inline(schema, schema)
    if plain.setdefault("type", "object") != "object":
        raise BadSkill(f"The arguments have to be an object, not {str(plain['type'])[:40]!r}.")
    if not isinstance(plain.get("properties"), dict):
        plain["properties"] = {}
    plain.setdefault("additionalProperties", False)
    try:
        _Validator.check_schema(plain)
    except jsonschema.SchemaError as exc:
        raise BadSkill(f"The arguments' JSON schema is not valid: {exc.message[:200]}. Correct it.") from exc
    return plain


def check(schema: Schema, arguments: Arguments) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments with obvious slips corrected, and what is still wrong with them (empty: they fit).

    Slips of small models: a number, truth value, list or object written as text; null for a parameter that may be
    left out. Each problem is one line that names the parameter.
    """
    known = schema.get("properties", {})
    required = schema.get("required", [])
    fitted = {
        name: _fit(known.get(name, {}), value)
        for name, value in arguments.items()
        if not (value is None and name in known and name not in required and not _accepts(known[name], None))
    }
    errors = sorted(_Validator(schema, registry=_NO_FETCH).iter_errors(fitted), key=lambda error: list(error.path))
    return fitted, [_sentence(error) for error in errors[:5]]


def _accepts(schema: object, value: object) -> bool:
    return isinstance(schema, (dict, bool)) and _Validator(schema, registry=_NO_FETCH).is_valid(value)


def _fit(schema: object, value: object) -> object:
    if not isinstance(value, str) or _accepts(schema, value):
        return value
    try:
        read = json.loads(value.lower() if value in ("True", "False") else value)
    except (ValueError, RecursionError):
        return value
    return read if _accepts(schema, read) else value


def _sentence(error: jsonschema.ValidationError) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.path).lstrip(".")
    return f"{place or 'arguments'}: {error.message[:200]}"
