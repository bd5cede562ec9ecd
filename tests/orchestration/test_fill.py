"""Schemas with one place to fill."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.orchestration.fill import filled

TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
MAYBE = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


@pytest.mark.parametrize(
    ("given", "words", "said"),
    [
        (schema(answer=TEXT), "25 days", '{"answer": "25 days"}'),
        (schema(days=WHOLE), "25 days", '{"days": 25}'),
        (schema(days=WHOLE), "twenty-five days", '{"days": 25}'),
        (schema(price={"type": "number"}), "1,499.50 EUR", '{"price": 1499.5}'),
        (schema(note=MAYBE, days=WHOLE), "25 days", '{"note": null, "days": 25}'),
        (schema(answer={"type": "string", "description": 'a "name"'}), 'a "name"', '{"answer": "a \\"name\\""}'),
        ({**schema(answer={"$ref": "#/$defs/A"}), "$defs": {"A": TEXT}}, "Rollo", '{"answer": "Rollo"}'),
    ],
)
def test_it_puts_the_words_into_the_one_place(given: dict[str, Any], words: str, said: str) -> None:
    assert filled(given, words) == said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (schema(a=TEXT, b=TEXT), "25 days"),
        (schema(a=MAYBE), "25 days"),
        (schema(a=TEXT, kind={"enum": ["x", "y"]}), "25 days"),
        (schema(a=TEXT, known={"type": "boolean"}), "25 days"),
        (schema(a=TEXT, list={"type": "array", "items": TEXT}), "25 days"),
        (schema(a={"type": "string", "maxLength": 3}), "25 days"),
        (schema(a={"type": ["string", "integer"]}), "25 days"),
        (schema(a=WHOLE), "between 5 and 7 days"),
        (schema(a=WHOLE), "6.5 days"),
        (schema(a=WHOLE), "on 31 March"),
        (schema(a=WHOLE), "Rollo"),
        (schema(a=schema(b=TEXT)), "Rollo"),
        (schema(), "Rollo"),
        ({"type": "object"}, "Rollo"),
        ({"type": "string"}, "Rollo"),
        ({"type": "object", "properties": {"a": 3}}, "Rollo"),
        ({**schema(a=TEXT), "minProperties": 2}, "Rollo"),
    ],
)
def test_it_leaves_other_schemas_to_a_model(given: dict[str, Any], words: str) -> None:
    assert filled(given, words) is None
