"""Calls by a small model: what is read off the question, what the grammar offers, and what happens when it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.models.fake import ScriptedModel
from assistant.models.local.schema import check as engine_takes
from assistant.orchestration.arguments import Filler, grammar, mentioned, narrowed
from assistant.orchestration.read_question import numbers_in, placed_numbers, spans_in
from assistant.orchestration.small_calls import SmallCaller
from skills.choose import Chooser
from skills.fake import ScriptedSkill, embed_words
from skills.types import Schema


def schema(required: list[str], **properties: dict[str, Any]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("sides 3, 4 and 5", [3, 4, 5]),
        ("a=-2.5 and 1,250,000 people", [-2.5, 1250000]),
        ("at 5% or 12 percent", [0.05, 5, 0.12, 12]),
        ("two apples and 2 pears", [2]),
        ("case CA123456 and v1.2", []),
        ("none at all", []),
    ],
)
def test_it_reads_numbers(question: str, numbers: list[float]) -> None:
    assert numbers_in(question) == numbers


@pytest.mark.parametrize(
    ("question", "parameters", "placed"),
    [
        ("roots for a=1, b=-3, c=2", {"a": WHOLE, "b": WHOLE, "c": WHOLE}, {"a": 1, "b": -3, "c": 2}),
        ("a height of 5 and a base of 10", {"base": WHOLE, "height": WHOLE}, {"base": 10, "height": 5}),
        (
            "Invest $1000 for 10 years at an annual interest rate of 5%",
            {"amount": WHOLE, "annual_interest_rate": NUMBER, "years": WHOLE},
            {"amount": 1000, "annual_interest_rate": 0.05, "years": 10},
        ),
        ("from 3 to 7", {"low": NUMBER, "high": NUMBER}, {"low": 3, "high": 7}),
        ("from 3 to 7", {"low": NUMBER}, {}),
        ("about 2.5", {"count": WHOLE}, {}),
        ("7", {"n": {"type": "integer", "enum": [1, 2]}}, {}),
    ],
)
def test_it_puts_numbers_where_the_question_says(question: str, parameters: Schema, placed: dict[str, float]) -> None:
    assert placed_numbers(parameters, question) == placed


def test_it_offers_whole_names_and_quoted_texts_as_values() -> None:
    spans = spans_in("Find 'The Long Road' by Jane Doe in New York, please.")
    assert spans[0] == "The Long Road" and {"Jane Doe", "New York", "please"} <= set(spans)
    assert not {"York", "New", "Doe", "in New York"} & set(spans)
    assert len(spans_in("word " * 5_000)) <= 240 and spans_in("") == []


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
    found = narrowed(parameters, "Weather in Rome for 3 days or 4")
    assert found["properties"]["days"] == {"enum": [3, 4]} and "Rome" in found["properties"]["city"]["enum"]
    assert found["required"] == ["city", "days"]
    assert narrowed(parameters, "")["properties"]["city"] == {"type": "string", "maxLength": 120}


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


async def test_it_asks_no_model_where_no_skill_fits_or_nothing_is_to_be_filled_in() -> None:
    model = ScriptedModel(["{}"])
    skills = [ScriptedSkill().skill("clock", description="Tell the time of day.", parameters=schema([]))]
    caller = SmallCaller(Chooser(embed_words, 0.3), Filler(), 0.3, 3)
    assert (await caller.plan(model, "who painted the ceiling", skills)).calls == ()
    plan = await caller.plan(model, "tell me the time of day", skills)
    assert [call.skill.name for call in plan.calls] == ["clock"] and model.requests == []
    assert plan.choose_ms > 0 and (await caller.plan(model, "anything", [])).calls == ()


async def test_it_plans_a_call_for_each_part_that_needs_another_skill() -> None:
    skills = [
        ScriptedSkill().skill("weather", description="weather forecast city", parameters=schema([])),
        ScriptedSkill().skill("ticket", description="open support ticket", parameters=schema([])),
    ]
    caller = SmallCaller(Chooser(embed_words, 0.3), Filler(), 0.3, 3)
    both = await caller.plan(ScriptedModel(["{}"]), "weather forecast city. open support ticket", skills)
    assert sorted(call.skill.name for call in both.calls) == ["ticket", "weather"]
    one = await caller.plan(ScriptedModel(["{}"]), "weather forecast city. weather forecast tomorrow", skills)
    assert [call.skill.name for call in one.calls] == ["weather"]


async def test_it_makes_no_call_with_arguments_that_do_not_fit() -> None:
    skill = ScriptedSkill().skill(
        "weather", description="weather forecast", parameters=schema(["n"], n={**WHOLE, "minimum": 5})
    )
    caller = SmallCaller(Chooser(embed_words, 0.3), Filler(), 0.3, 3)
    plan = await caller.plan(ScriptedModel(['{"n": 1}']), "weather forecast", [skill])
    assert plan.calls == () and "weather" in plan.problems[0]
