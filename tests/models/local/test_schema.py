from __future__ import annotations

from typing import Any

import pytest

from assistant.models.local.schema import MAX_DEPTH, SchemaRefused, check


def nested(depth: int) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": nested(depth - 1)}} if depth else {"type": "string"}


GOOD: list[dict[str, Any]] = [
    {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False},
    {"type": "array", "items": {"type": "integer"}, "maxItems": 5},
    {"enum": ["yes", "no", None, 1]},
    {"anyOf": [{"type": "string"}, {"const": 3}]},
    {"type": "object", "title": "T", "description": "d", "properties": {"x": {"type": "integer", "minimum": 0}}},
]
BAD: list[tuple[Any, str]] = [
    ({"type": "nonsense"}, "nonsense"),
    ({"type": "string", "pattern": "(a+)+$"}, "pattern"),
    ({"$ref": "#"}, "ref"),
    ({}, "no type"),
    ({"properties": {}}, "no type"),
    ({"type": "object", "properties": {"a": True}}, "where an object belongs"),
    ({"type": "object", "properties": [1]}, "where properties belong"),
    ({"type": "object", "properties": {}, "required": ["b"]}, "not properties"),
    ({"type": "object", "required": [{}]}, "list of texts"),
    ({"type": "string", "maxLength": 10**9}, "belongs"),
    ({"type": "string", "minLength": True}, "belongs"),
    ({"type": "integer", "minimum": 5}, "only 0"),
    ({"type": "integer", "maximum": 5}, "maximum"),
    ({"type": "number", "minimum": 0}, "only the type integer"),
    ({"type": "array", "minItems": 3, "maxItems": 2}, "above"),
    (
        {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "null"}},
        "one of the two",
    ),
    ({"type": ["string", "null"]}, "type"),
    ({"enum": []}, "choices"),
    ({"enum": [{"a": 1}]}, "text or a number"),
    ({"anyOf": {}}, "list of schemas"),
    (nested(MAX_DEPTH + 1), "too large"),
    ({"anyOf": [{"type": "string"}] * 400}, "too large"),
    ([], "where an object belongs"),
    (None, "where an object belongs"),
]


@pytest.mark.parametrize("schema", GOOD)
def test_it_lets_through_what_skills_ask_for(schema: dict[str, Any]) -> None:
    kept = check(schema)
    assert {key: value for key, value in schema.items() if key not in ("title", "description")}.keys() == kept.keys()


@pytest.mark.parametrize(("schema", "reason"), BAD)
def test_it_refuses_what_would_break_the_grammar_compiler(schema: Any, reason: str) -> None:
    with pytest.raises(SchemaRefused, match=reason):
        check(schema)
