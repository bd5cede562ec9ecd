from __future__ import annotations

from typing import Any

import pytest

from assistant.models.local.grammar import to_ebnf


def root(schema: dict[str, Any]) -> str:
    return to_ebnf(schema).split("\n", 1)[0].removeprefix("root ::= ")


@pytest.mark.parametrize(
    ("schema", "expression"),
    [
        ({"type": "string"}, "string"),
        ({"type": "integer", "minimum": 0}, "natural"),
        ({"enum": ["yes", 'n"o', None]}, r'("\"yes\"" | "\"n\\\"o\"" | "null")'),
        ({"const": 3}, '"3"'),
        ({"type": "string", "maxLength": 9}, r'"\"" char{0,9} "\""'),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, "(null | boolean)"),
        ({"type": "object", "additionalProperties": False}, '"{}"'),
        ({"type": "array", "maxItems": 0}, '"[]"'),
        ({"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 3}, '"[" r0 ("," r0){1,2} "]"'),
        ({"type": "array", "items": {"type": "null"}}, '("[]" | "[" r0 ("," r0){0,} "]")'),
    ],
    ids=str,
)
def test_it_renders_each_kind(schema: dict[str, Any], expression: str) -> None:
    assert root(schema) == expression


def test_it_writes_required_properties_always_and_others_maybe() -> None:
    properties = {"a": {"type": "null"}, "b": {"type": "null"}}
    rules = to_ebnf({"type": "object", "properties": properties, "required": ["b"]}).splitlines()
    assert rules[:5] == [
        'root ::= "{" r2',
        r'r0 ::= "\"b\"" ":" null "}"',
        r'r1 ::= "," "\"b\"" ":" null "}"',
        r'r2 ::= ("\"a\"" ":" null r1 | r0)',
        r'r3 ::= ("," "\"a\"" ":" null r1 | r1)',
    ]
