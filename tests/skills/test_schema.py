from __future__ import annotations

from typing import Any

import pytest

from skills.errors import BadSkill
from skills.schema import check, inline, tidy

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}, "required": ["n"]}


def test_inlines_references_and_keeps_properties_called_title() -> None:
    schema = {"properties": {"title": {"$ref": "#/$defs/T"}}, "$defs": {"T": {"type": "string", "title": "T"}}}
    assert tidy(schema)["properties"] == {"title": {"type": "string"}}


def test_cuts_a_reference_that_leads_back_into_itself() -> None:
    root: dict[str, Any] = {"Node": {"properties": {"next": {"$ref": "#/Node"}, "v": {"type": "integer"}}}}
    assert inline({"$ref": "#/Node"}, root) == {"properties": {"next": {}, "v": {"type": "integer"}}}
    assert inline({"$ref": "#/A"}, {"A": {"$ref": "#/B"}, "B": {"$ref": "#/A"}}) == {}


def test_refuses_to_grow_without_bounds() -> None:
    root: dict[str, Any] = {f"L{n}": {"items": [{"$ref": f"#/L{n + 1}"}] * 10} for n in range(9)}
    root["L9"] = {"type": "string"}
    with pytest.raises(BadSkill, match="too large"):
        inline({"$ref": "#/L0"}, root)
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"items": deep}
    with pytest.raises(BadSkill, match="too large"):
        inline(deep, deep)


@pytest.mark.parametrize(
    "ref", ["http://169.254.169.254/x", "other.json#/A", "file:///etc/passwd", "#/nowhere", "#/a/9"]
)
def test_refuses_references_to_elsewhere(ref: str) -> None:
    with pytest.raises(BadSkill):
        inline({"$ref": ref}, {"a": [1]})


@pytest.mark.parametrize("schema", [None, 1, [], "x", {"type": "nonsense"}, {"properties": {"a": {"type": 5}}}])
def test_refuses_what_is_no_schema(schema: object) -> None:
    with pytest.raises(BadSkill):
        tidy(schema)


def test_corrects_obvious_slips_of_small_models() -> None:
    schema = tidy(
        {
            "properties": {
                "n": {"type": "integer"},
                "b": {"type": "boolean"},
                "l": {"type": "array", "items": {"type": "string"}},
                "s": {"type": "string"},
                "o": {"type": "integer"},
            },
            "required": ["n"],
        }
    )
    given = {"n": "5", "b": "True", "l": '["x"]', "s": "7", "o": None}
    assert check(schema, given) == ({"n": 5, "b": True, "l": ["x"], "s": "7"}, [])


def test_names_what_is_still_wrong() -> None:
    fitted, problems = check({**NUMBER, "additionalProperties": False}, {"n": "five", "extra": 1})
    assert fitted["n"] == "five" and len(problems) == 2
    assert any(problem.startswith("n: ") for problem in problems) and any("extra" in problem for problem in problems)


def test_runs_no_regular_expression_of_strangers() -> None:
    schema = {"type": "object", "properties": {"s": {"type": "string", "pattern": "^(a+)+$"}}}
    assert check(schema, {"s": "a" * 60 + "!"})[1] == []


def test_fetches_no_reference_while_it_checks() -> None:
    with pytest.raises(Exception, match="(?i)unresolvable"):
        check({"properties": {"s": {"$ref": "http://127.0.0.1:9/x"}}}, {"s": 1})
