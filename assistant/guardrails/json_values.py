"""The values of an answer in JSON that only a document can give.

What its schema gives (enums, constants), true, false, null and the names of fields are not among them: they are the
words of who asks, not of a document.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assistant.guardrails.sentences import MARK, parse

Path = tuple[str | int, ...]  # names of fields and places in lists, from the outside in

_DEEPEST = 32  # levels of an answer; a schema has 16 at most
_ALTERNATIVES = ("anyOf", "oneOf", "allOf")


@dataclass(frozen=True, slots=True)
class Value:
    """A text or a number in an answer."""

    path: Path
    said: str | int | float
    may_be_null: bool  # the schema takes null in its place


def parsed(text: str) -> Any:
    """Return the JSON that `text` is; raises ValueError where a client might read something else, or nothing."""
    try:
        data = json.loads(text, object_pairs_hook=_named_once, parse_constant=_refused)
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None
    _shallow(data, _DEEPEST)
    return data


def values(data: Any, schema: Mapping[str, Any]) -> list[Value]:
    """Return the texts and numbers of `data` that are not the schema's own, in order."""
    return list(_values(data, [schema], schema, ()))


def unmarked(data: Any) -> Any:
    """Return `data` with its texts free of citation marks, which number the passages of a prompt."""
    if isinstance(data, dict):
        return {name: unmarked(inner) for name, inner in data.items()}
    if isinstance(data, list):
        return [unmarked(inner) for inner in data]
    return parse(data).claim if isinstance(data, str) and MARK.search(data) else data


def without(data: Any, paths: Collection[Path]) -> Any:
    """Return `data` with null at each of `paths`."""
    return _without(data, paths, ())


def _values(data: Any, schemas: list[Any], root: Mapping[str, Any], path: Path) -> Iterator[Value]:
    plain = alternatives(schemas, root)
    if isinstance(data, dict):
        for name, inner in data.items():
            yield from _values(inner, [_of_field(one, name) for one in plain], root, (*path, name))
    elif isinstance(data, list):
        for place, inner in enumerate(data):
            yield from _values(inner, [_of_item(one, place) for one in plain], root, (*path, place))
    elif isinstance(data, str | int | float) and not isinstance(data, bool) and not any(_gives(s, data) for s in plain):
        yield Value(path, data, any(_gives(one, None) or "null" in types_of(one) for one in plain))


def alternatives(schemas: Iterable[Any], root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return `schemas` and every schema that they name or put together, each once; references are looked up in `root`.

    Each once, because a schema may name itself several times over, and every step would multiply them.
    """
    found: dict[int, Mapping[str, Any]] = {}
    waiting = list(schemas)
    while waiting:
        schema = waiting.pop()
        if not isinstance(schema, Mapping) or id(schema) in found:
            continue
        found[id(schema)] = schema
        if isinstance(schema.get("$ref"), str):
            waiting.append(_referred(schema["$ref"], root))
        for key in _ALTERNATIVES:
            waiting += schema[key] if isinstance(schema.get(key), list) else ()
    return list(found.values())


def _referred(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for name in reference.removeprefix("#").strip("/").split("/") if reference.strip("#/") else ():
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _of_field(schema: Mapping[str, Any], name: str) -> Any:
    properties = schema.get("properties")
    known = isinstance(properties, Mapping) and name in properties
    return properties[name] if known and properties else schema.get("additionalProperties")


def _of_item(schema: Mapping[str, Any], place: int) -> Any:
    first = schema.get("prefixItems")
    return first[place] if isinstance(first, list) and place < len(first) else schema.get("items")


def _gives(schema: Mapping[str, Any], value: Any) -> bool:
    """Return whether the schema names `value` itself; Python's 1 == True is none of JSON's equalities."""
    choices = schema["enum"] if isinstance(schema.get("enum"), list) else []
    own = [*choices, *([schema["const"]] if "const" in schema else [])]
    return any(one == value and isinstance(one, bool) == isinstance(value, bool) for one in own)


def types_of(schema: Mapping[str, Any]) -> list[Any]:
    """Return the types that a schema names, [None] where it names none."""
    kind = schema.get("type")
    return kind if isinstance(kind, list) else [kind]


def _without(data: Any, paths: Collection[Path], path: Path) -> Any:
    if path in paths:
        return None
    if isinstance(data, dict):
        return {name: _without(inner, paths, (*path, name)) for name, inner in data.items()}
    if isinstance(data, list):
        return [_without(inner, paths, (*path, place)) for place, inner in enumerate(data)]
    return data


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("The JSON names a field twice; of two values, only one would be checked.")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON.")


def _shallow(data: Any, levels: int) -> None:
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    if not levels:
        raise ValueError("The JSON is nested too deeply.")
    for one in inner:
        _shallow(one, levels - 1)
