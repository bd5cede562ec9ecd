from __future__ import annotations

from typing import Any

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel

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
BAD_RECURSIVE = {"$ref": "#/$defs/N", "$defs": {"N": {"type": "array", "items": {"$ref": "#/$defs/N"}}}}
BAD: list[tuple[Any, str]] = [
    ({"type": "nonsense"}, "nonsense"),
    ({"type": "string", "pattern": "(a+)+$"}, "pattern"),
    ({"$ref": "#"}, "ref"),
    ({"$ref": "#/$defs/A", "minLength": 1, "$defs": {"A": {"type": "string"}}}, "stand alone"),
    ({"$ref": "#/$defs/A", "$defs": [1]}, "defs belong"),
    (BAD_RECURSIVE, "too large"),
    ({"type": ["string", "nonsense"]}, "nonsense"),
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


class Person(BaseModel):
    """Who is asked for."""

    name: str
    age: int | None


class Team(BaseModel):
    """Nested, as classes that programs hand to OpenAI's package are."""

    lead: Person
    members: list[Person]


def test_it_lets_through_what_the_openai_package_makes_of_a_class() -> None:
    person = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    assert check(to_strict_json_schema(Team)) == {
        "type": "object",
        "properties": {"lead": person, "members": {"type": "array", "items": person}},
        "required": ["lead", "members"],
        "additionalProperties": False,
    }


def test_it_takes_a_list_of_types_as_alternatives() -> None:
    assert check({"type": ["string", "null"]}) == {"anyOf": [{"type": "string"}, {"type": "null"}]}
