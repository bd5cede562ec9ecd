"""The values of JSON that a document has to hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.guardrails.json_values import Value, parsed, values, without

TEXT = {"type": "string"}


def said(data: Any, schema: dict[str, Any]) -> list[Any]:
    return [value.said for value in values(data, schema)]


def test_it_finds_texts_and_numbers_wherever_they_stand() -> None:
    data = {"a": "x", "b": [1, {"c": 2.5}], "d": {"e": "y"}}
    assert [(value.path, value.said) for value in values(data, {"type": "object"})] == [
        (("a",), "x"), (("b", 0), 1), (("b", 1, "c"), 2.5), (("d", "e"), "y"),
    ]  # fmt: skip


def test_it_leaves_out_true_false_null_and_what_the_schema_names() -> None:
    schema = {
        "properties": {"kind": {"enum": ["a", "unknown", 3]}, "version": {"const": 1}, "n": {"enum": [True]}, "x": TEXT}
    }
    data = {"kind": "unknown", "version": 1, "n": 1, "x": "y", "yes": True, "none": None}
    assert said(data, schema) == [1, "y"]  # 1 is not true


@pytest.mark.parametrize(
    "inner",
    [
        {"type": ["string", "null"]},
        {"anyOf": [TEXT, {"type": "null"}]},
        {"oneOf": [TEXT, {"enum": ["a", None]}]},
        {"$ref": "#/$defs/Maybe"},
    ],
)
def test_it_tells_where_null_may_stand(inner: dict[str, Any]) -> None:
    schema = {"properties": {"x": inner, "y": TEXT}, "$defs": {"Maybe": {"type": ["string", "null"]}}}
    assert values({"x": "b", "y": "c"}, schema) == [Value(("x",), "b", True), Value(("y",), "c", False)]


def test_it_follows_items_additional_properties_and_references_that_go_round() -> None:
    one = {"enum": ["own"]}
    assert said({"l": ["own", "other"]}, {"properties": {"l": {"items": one}}}) == ["other"]
    assert said(["own", "own"], {"prefixItems": [one], "items": TEXT}) == ["own"]
    assert said({"k": "own"}, {"additionalProperties": one}) == []
    assert said("x", {"$ref": "#"}) == ["x"]
    tree = {"$ref": "#/$defs/T", "$defs": {"T": {"properties": {"name": one, "next": {"$ref": "#/$defs/T"}}}}}
    assert said({"name": "own", "next": {"name": "own", "next": {"name": "x"}}}, tree) == ["x"]


@pytest.mark.parametrize(
    "schema", [{"properties": 3}, {"anyOf": "x"}, {"$ref": "#/no/where"}, {"enum": 1}, {"items": []}]
)
def test_it_checks_what_a_schema_that_is_none_says_nothing_about(schema: dict[str, Any]) -> None:
    assert said({"x": ["y"]}, schema) == ["y"]


def test_it_puts_null_in_their_place() -> None:
    data = {"a": "x", "b": [1, {"c": 2}]}
    assert without(data, {("a",), ("b", 1, "c")}) == {"a": None, "b": [1, {"c": None}]}
    assert data == {"a": "x", "b": [1, {"c": 2}]}


@pytest.mark.parametrize(
    "text",
    ["", "no", '{"a": 1} and more', '{"a": 1, "a": 2}', "NaN", '{"a": Infinity}', "[" * 40 + "]" * 40, "[" * 9_999],
)
def test_it_refuses_what_a_client_might_read_otherwise(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        parsed(text)


def test_it_reads_json() -> None:
    assert parsed(' {"a": [1, 2.5, "x", null, true]}\n') == {"a": [1, 2.5, "x", None, True]}
    assert parsed(json.dumps("x")) == "x"


def test_a_schema_that_names_itself_several_times_over_is_walked_once() -> None:
    # Without that, each of 32 levels would multiply its alternatives by twenty.
    itself: dict[str, Any] = {"anyOf": [{"$ref": "#"}] * 10 + [{"$ref": "#/properties/a"}] * 10, "type": "object"}
    itself["properties"] = {"a": {"anyOf": [{"$ref": "#"}, {"type": "null"}, {"$ref": "#/properties/a"}]}}
    data: Any = "words"
    for _ in range(30):
        data = {"a": data}
    (found,) = values(data, itself)
    assert found.said == "words" and found.may_be_null
