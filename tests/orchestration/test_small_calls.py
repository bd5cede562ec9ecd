"""Calls by a small model: what is read off the question, what the grammar offers, and what happens when it is wrong."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from assistant.models.fake import ScriptedModel
from assistant.models.local.schema import check as engine_takes
from assistant.orchestration import several
from assistant.orchestration.arguments import Filler, grammar, mentioned, narrowed
from assistant.orchestration.read_question import lacks_numbers, lacks_text, numbers_in, placed_numbers, spans_in
from assistant.orchestration.small_calls import Plan, SmallCaller
from skills.choose import Chooser
from skills.declare import EXACT
from skills.fake import ScriptedSkill, embed_words
from skills.types import Reads, Schema, Skill


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


@pytest.mark.parametrize("said", ["9" * 5_000, "ab cd ef, " * 700, "A." * 3_500])
async def test_it_reads_the_beginning_of_a_question_without_end(said: str) -> None:
    # Python refuses to read a number of more than 4,300 digits; the rest would only keep the event loop busy.
    wanted = schema(["n", "names"], n=WHOLE, names={"type": "array", "items": TEXT})
    skill = ScriptedSkill().skill("weather", description="weather forecast", parameters=wanted)
    model = ScriptedModel(['{"n": 1, "names": ["a"]}'])
    plan = await SmallCaller(Chooser(embed_words, -1.0), Filler(), -1.0, 3).plan(
        model, f"weather forecast {said}", [skill]
    )
    assert plan.considered and all(len(request.messages[-1].content) < 5_000 for request in model.requests)


AREA = schema(["base", "height"], base=WHOLE, height=WHOLE)
FORECAST = schema(["city", "days"], city=TEXT, days=WHOLE)
ROUTE = schema(["start", "end"], start=TEXT, end=TEXT)


@pytest.mark.parametrize(
    ("question", "parameters", "parts"),
    [
        (
            "Weather in Rome and Paris for 3 days",
            FORECAST,
            ["Weather in Rome for 3 days", "Weather in Paris for 3 days"],
        ),
        (
            "Weather in Rome and Paris for 3 and 5 days respectively",
            FORECAST,
            ["Weather in Rome for 3 days respectively", "Weather in Paris for 5 days respectively"],
        ),
        ("factorial of 5, 7 and 9", schema(["n"], n=WHOLE), ["factorial of 5", "factorial of 7", "factorial of 9"]),
        (
            "area of base 3 and height 4, and of base 5 and height 6",
            AREA,
            ["area of base 3 and height 4, and", "of base 5 and height 6"],
        ),
        ("news on 'solar power' and 'wind'", schema(["on"], on=TEXT), ["news on 'solar power'", "news on 'wind'"]),
        # one call
        ("a base of 3 and a height of 4", AREA, None),
        ("distance between Rome and Paris", ROUTE, None),
        ("from Rome and Paris to Bonn", ROUTE, None),
        ("Weather in Miami, Florida for 3 days", FORECAST, None),
        ("meeting on May 12, 2022", schema(["year"], year=WHOLE), None),
        ("mean of 5, 7 and 9", schema(["of"], of={"type": "array", "items": NUMBER}), None),
        ("factorial of 1, 2, 3, 4, 5, 6, 7 and 8", schema(["n"], n=WHOLE), None),
        ("", FORECAST, None),
        ("clock", schema([]), None),
    ],
)
def test_it_sees_how_often_a_question_wants_a_function(
    question: str, parameters: Schema, parts: list[str] | None
) -> None:
    assert several.questions(question, parameters) == (parts or [question])


async def test_it_plans_several_calls_of_one_skill_and_none_twice() -> None:
    forecast = schema(["city"], city=TEXT)
    skill = ScriptedSkill().skill("weather", description="weather forecast city", parameters=forecast)
    caller = SmallCaller(Chooser(embed_words, 0.3), Filler(), 0.3, 3)
    question = "weather forecast city Rome and Paris"
    model = ScriptedModel(['{"city": "Rome"}', '{"city": "Paris"}'])
    plan = await caller.plan(model, question, [skill])
    assert [call.arguments for call in plan.calls] == [{"city": "Rome"}, {"city": "Paris"}] and not plan.problems
    same = await caller.plan(ScriptedModel(['{"city": "Rome"}']), question, [skill])
    assert [call.arguments for call in same.calls] == [{"city": "Rome"}]


@pytest.mark.parametrize(
    ("question", "lacks"),
    [
        ("area of a triangle", True),
        ("area of a triangle with a base of 3", True),
        ("area of a triangle with base 3 and height 4", False),
        ("base twenty, height six", False),
        ("", True),
    ],
)
def test_it_knows_whether_a_question_holds_the_numbers_that_a_call_needs(question: str, lacks: bool) -> None:
    assert lacks_numbers(AREA, question) is lacks
    assert not lacks_numbers(schema([], base=WHOLE), question) and not lacks_numbers(ROUTE, question)
    assert not lacks_numbers({}, question)
    dated = schema(["day"], day={**TEXT, "format": "date"})
    assert lacks_numbers(dated, "which weekday is it") and not lacks_numbers(dated, "which weekday is May 4, 2025")


@pytest.mark.parametrize(
    ("question", "lacks"),
    [
        ("How do performance reviews work?", True),
        ("Is this kind or not?", True),
        ("Is this kind or not? You are late again.", False),
        ("Judge the tone of: You are late", False),
        ('Is "you are late" kind?', False),
        ("Is ‘you are late’ kind?", False),
    ],
)
def test_it_knows_whether_a_question_brings_the_text_to_work_on(question: str, lacks: bool) -> None:
    long = {**TEXT, "maxLength": 8_000}
    assert lacks_text(schema(["text"], text=long), question) is lacks
    # A short text may be any words of the question, and where more is to be filled in it asks for a call clearly.
    assert not lacks_text(schema(["query"], query=TEXT), question)
    assert not lacks_text(schema(["text", "to"], text=long, to=TEXT), question)
    assert not lacks_text({}, question)


async def test_it_judges_no_text_that_is_not_given() -> None:
    takes = schema(["text"], text={**TEXT, "maxLength": 8_000})
    skill = ScriptedSkill().skill("tone", description="tone of reviews positive or negative", parameters=takes)
    caller = SmallCaller(Chooser(embed_words, 0.3), Filler(), 0.3, 3)
    model = ScriptedModel(['{"text": "late again"}'])
    assert not (await caller.plan(model, "how do reviews work: tone", [])).calls
    assert not (await caller.plan(model, "what tone do reviews have", [skill])).calls
    assert (await caller.plan(model, "tone of reviews: late again", [skill])).calls


async def test_it_chooses_no_skill_whose_number_would_be_made_up_unless_the_question_is_very_close() -> None:
    skill = ScriptedSkill().skill("triangle", description="area of a triangle from base height", parameters=AREA)
    caller = SmallCaller(Chooser(embed_words, 0.3), Filler(), 0.3, 3)
    model = ScriptedModel(['{"base": 3, "height": 4}'])
    without = await caller.plan(model, "tell me the area of it from here", [skill])
    assert without.considered == () and not model.requests
    with_numbers = await caller.plan(model, "tell me the area of it from base 3 height 4", [skill])
    assert [call.arguments for call in with_numbers.calls] == [{"base": 3, "height": 4}]
    assert caller.choose("triangle: area of a triangle from base height", [skill])[1] != []


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("what day is it", True),
        ("tell me the time of day in Kuala Lumpur", True),  # a place is what its optional parameter takes
        ("what day is the meeting of the team about budgets", False),
        ("on which day is the harvest festival observed", False),
    ],
)
def test_a_skill_that_needs_nothing_is_not_called_for_what_it_says_nothing_of(question: str, asks: bool) -> None:
    clock = ScriptedSkill().skill(
        "clock", description="Tell what day it is and the time of day.", parameters=schema([], timezone=TEXT)
    )
    caller = SmallCaller(Chooser(embed_words, 0.35), Filler(), 0.35, 3)
    assert bool(caller.choose(question, [clock])[1]) == asks
    wanting = ScriptedSkill().skill("clock", description=clock.description, parameters=schema(["city"], city=TEXT))
    assert caller.choose(question, [wanting])[1]


def desk(*, reads: Reads | None = None) -> list[Skill]:
    """A skill that tells of an order and one that cancels it, whose ids look like "A-1042"."""
    order = schema(["order"], order={"type": "string", "description": "such as 'A-1042'"})
    tells = ScriptedSkill().skill("order_status", description="Tell where an order is.", parameters=order)
    cancels = ScriptedSkill().skill("cancel_order", "write", "Cancel an order. For example: order status", order)
    return [replace(tells, reads=reads), cancels]


async def planned(question: str, skills: list[Skill], reply: str = "{}") -> Plan:
    caller = SmallCaller(Chooser(embed_words, 0.05), Filler(), 0.05, 5)
    return await caller.plan(ScriptedModel([reply]), question, skills)


@pytest.mark.parametrize("question", ["Where is order A-1042?", "What is the status of order A-1042?"])
async def test_who_wants_to_know_changes_nothing(question: str) -> None:
    plan = await planned(question, desk(), '{"order": "A-1042"}')
    assert [call.skill.name for call in plan.calls] == ["order_status"]


async def test_what_changes_something_is_not_called_with_words_of_another_form() -> None:
    found = await planned("Cancel order A-55", desk()[1:], '{"order": "A-55"}')
    assert [call.arguments for call in found.calls] == [{"order": "A-55"}]
    lacking = await planned("Cancel the order of my colleague", desk()[1:], '{"order": "my colleague"}')
    assert not lacking.calls and "order: nothing in the question looks like one" in lacking.problems[0]


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


async def test_what_a_skill_reads_by_itself_needs_no_model_and_nothing_else_is_for_it() -> None:
    def reads(question: str) -> dict[str, str] | None:
        found = re.fullmatch(r"track (\S+?)\.?", question)
        return {"order": found[1]} if found else None

    skills = desk(reads=reads)
    plan = await planned("track order-A-1. track order-A-2", skills, "not asked")
    assert [call.arguments for call in plan.calls] == [{"order": "order-A-1"}, {"order": "order-A-2"}]
    assert not (await planned("Where is order A-1042?", skills)).calls


async def test_a_question_is_exact_where_every_skill_that_reads_it_says_so() -> None:
    caller = SmallCaller(Chooser(embed_words, 0.05), Filler(), 0.05, 5)
    (tells, _) = desk(reads=lambda question: {"order": question})
    assert not caller.exact("track A-1", [tells])
    assert caller.exact("track A-1", [replace(tells, tags=EXACT)]) and not caller.exact(
        "x" * 500, [replace(tells, tags=EXACT)]
    )
