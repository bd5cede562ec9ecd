"""Arguments of a call: what the grammar offers a small model, and what happens when it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.models.fake import ScriptedModel
from assistant.models.local.schema import check as engine_takes
from assistant.orchestration.arguments import Filler, grammar, mentioned, narrowed
from skills.fake import ScriptedSkill
from tests.orchestration.schemas import NUMBER, TEXT, WHOLE, schema


@pytest.mark.parametrize(
    ("name", "described", "question", "said"),
    [
        ("unit", {"type": "string"}, "in which unit", True),
        ("unit", {"type": "string"}, "5 units", False),
        ("format", {"enum": ["json", "text"]}, "as json please", True),
        ("root_type", {"description": "can be 'real' or 'all'"}, "all roots", True),
        ("root_type", {"description": "can be 'real' or 'complex'"}, "the real roots", True),
        ("includeTax", {"type": "boolean"}, "include tax", True),
        ("n", {"type": "integer"}, "the number n", False),
    ],
)
def test_it_takes_optional_parameters_that_the_question_mentions(
    name: str, described: dict[str, Any], question: str, said: bool
) -> None:
    assert mentioned(name, described, question) is said


def test_it_narrows_the_grammar_to_what_the_question_holds() -> None:
    parameters = schema(["city", "days"], city=TEXT, days=WHOLE, unit={"type": "string", "enum": ["C", "F"]})
    found = narrowed(parameters, "Weather in Rome for 3 days or 4", {})
    assert found["properties"]["days"] == {"enum": [3, 4]} and "Rome" in found["properties"]["city"]["enum"]
    assert found["required"] == ["city", "days"]
    assert narrowed(parameters, "", {})["properties"]["city"] == {"type": "string", "maxLength": 120}


def test_it_offers_only_choices_that_the_question_says_shares_for_percentages_and_no_empty_list() -> None:
    parameters = schema(
        ["unit", "discount_rate", "years", "marks"],
        unit={"type": "string", "enum": ["meter", "feet"]},
        discount_rate=NUMBER,
        years=WHOLE,
        marks={"type": "array", "items": WHOLE},
    )
    found = narrowed(parameters, "height in feet, at 10% a year, in 3 or 4 years", {})["properties"]
    assert found["unit"]["enum"] == ["feet"] and found["discount_rate"] == {"enum": [0.1]}
    assert found["years"] == {"enum": [10, 3, 4]}
    assert (found["marks"]["minItems"], found["marks"]["maxItems"]) == (1, 4)
    open_still = narrowed(parameters, "how high is it", {"years": 3})["properties"]
    assert open_still["unit"]["enum"] == ["meter", "feet"] and "years" not in open_still


async def test_it_asks_no_model_for_what_rules_have_placed() -> None:
    route = ScriptedSkill().skill("route", parameters=schema(["start", "end"], start=TEXT, end=TEXT))
    model = ScriptedModel(["{}"])
    found = await Filler().fill(model, "the way from New York to Miami", route)
    assert (found.arguments, found.calls) == ({"start": "New York", "end": "Miami"}, 0) and model.requests == []
    by_day = ScriptedSkill().skill(
        "by_day", parameters=schema(["start", "end", "on"], start=TEXT, end=TEXT, on={**TEXT, "format": "date"})
    )
    model = ScriptedModel(['{"start": "Rome", "end": "Bonn"}'])
    found = await Filler().fill(model, "Rome, Bonn, on May 4, 2025", by_day)
    assert found.arguments == {"start": "Rome", "end": "Bonn", "on": "2025-05-04"}


async def test_it_tells_two_parameters_apart_that_got_one_text() -> None:
    parameters = schema(["artist", "title"], artist=TEXT, title=TEXT, city=TEXT)
    statue = ScriptedSkill().skill("statue", parameters=parameters)
    model = ScriptedModel(['{"artist": "David", "title": "David"}', '{"artist": "Michelangelo"}'])
    found = await Filler().fill(model, "the statue David by Michelangelo", statue)
    assert (found.arguments, found.calls) == ({"artist": "Michelangelo", "title": "David"}, 2)
    asked: Any = model.requests[1].sampling.json_schema
    assert list(asked["properties"]) == ["artist"]
    offered = asked["properties"]["artist"]["enum"]
    assert "Michelangelo" in offered and not any("David" in text for text in offered)
    # the question says it twice, or the second place may be left out
    model = ScriptedModel(['{"artist": "David", "title": "David"}'])
    assert (await Filler().fill(model, "David, a statue by David", statue)).calls == 1
    model = ScriptedModel(['{"artist": "David", "title": "Rest", "city": "David"}'])
    found = await Filler().fill(model, "statue Rest by David, city", statue)
    assert (found.arguments, found.calls) == ({"artist": "David", "title": "Rest"}, 1)


@pytest.mark.parametrize(
    "described",
    [
        {"type": ["string", "null"], "pattern": "x", "format": "date"},
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        {"oneOf": [{"type": "integer"}, {"type": "string", "minLength": 2}]},
        {"properties": {"a": {}}, "required": ["a", "gone"], "additionalProperties": True},
        {"type": "array"},
        {"type": "array", "items": {"type": "array", "items": {"type": "number"}}, "maxItems": 5_000_000},
        {},
        True,
        {"enum": ["a", 1, None]},
    ],
)
def test_it_gives_the_engine_only_what_its_grammar_takes(described: Any) -> None:
    assert engine_takes(grammar(described))


async def test_it_fills_in_arguments_and_corrects_once() -> None:
    skill = ScriptedSkill().skill(
        "weather", parameters=schema(["city", "days"], city=TEXT, days={**WHOLE, "maximum": 9})
    )
    good = json.dumps({"city": "Rome", "days": 3})
    model = ScriptedModel([good])
    found = await Filler().fill(model, "Rome for 3 days", skill)
    assert (found.arguments, found.problems, found.calls) == ({"city": "Rome", "days": 3}, (), 1)
    assert model.requests[0].sampling.json_schema["properties"]["days"] == {"const": 3}  # type: ignore[index]
    model = ScriptedModel(['{"city": "Ro', good])
    found = await Filler().fill(model, "Rome for 3 days", skill)
    assert found.problems == () and found.calls == 2 and "no whole JSON" in model.requests[1].messages[-1].content
    model = ScriptedModel([json.dumps({"city": "Rome", "days": 30})])
    found = await Filler().fill(model, "Rome", skill)
    assert found.calls == 2 and "days" in found.problems[0]


@pytest.mark.parametrize("pattern", [r"^(\w+\s?)*\d$", r"^(?:a|a)+$", r"(a)\1", r"(?=a)b", r"^\w*\w*\w*\w*$", "("])
def test_a_form_that_takes_long_to_look_for_is_not_looked_for(pattern: str) -> None:
    question = "Move abcdefghijklmnopqrstuvwxyzabcdefghijklmnop to ticket 12"
    properties = narrowed(schema(["ticket"], ticket={"type": "string", "pattern": pattern}), question, {})
    assert "12" in properties["properties"]["ticket"]["enum"]  # all words are offered


def test_only_words_of_a_parameters_form_are_offered() -> None:
    coded = {"type": "string", "description": "such as 'A-1042'"}
    ticket = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}$"}
    properties = narrowed(
        schema(["order", "ticket"], order=coded, ticket=ticket), "Move B-7 of order A-55 to ticket 12", {}
    )
    assert properties["properties"]["order"]["enum"] == ["B-7", "A-55"]
    assert (
        "12" in properties["properties"]["ticket"]["enum"]
        and "order A-55" not in properties["properties"]["ticket"]["enum"]
    )
