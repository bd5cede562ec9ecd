"""Calls by a small model: which skills it plans to call for a question, and when none."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from assistant.models.fake import ScriptedModel
from assistant.orchestration.arguments import Filler
from assistant.orchestration.small_calls import Plan, SmallCaller
from skills.choose import Chooser
from skills.declare import EXACT
from skills.fake import ScriptedSkill, embed_words
from skills.types import Reads, Skill
from tests.orchestration.schemas import AREA, TEXT, WHOLE, schema


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
