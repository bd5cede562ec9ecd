"""Answers in JSON, held against passages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from assistant.guardrails.grounding import RuleJudge
from assistant.guardrails.json_check import Checked, JsonCheck
from assistant.guardrails.sources import Embed
from knowledge.types import Passage

LEAVE = "How many days of paid leave do employees get per year?"
PRICE = "What did the annual report say about revenue and price?"


def judged(embed: Embed, passages: Sequence[Passage], question: str, data: Any, **fields: Any) -> Checked:
    check = RuleJudge(embed).open(question, passages, "The documents do not say.")
    schema = {"type": "object", "properties": fields}
    return JsonCheck(check, question, passages).judge(json.dumps(data), schema)


@pytest.mark.parametrize(
    ("question", "data", "cited"),
    [
        (LEAVE, {"days": 25}, (2,)),
        (LEAVE, {"answer": "25 days"}, (2,)),
        (LEAVE, {"expires": "2025-03-31", "days": 25}, (2,)),
        (LEAVE, {"answer": "Employees get 25 days of paid leave per year. Leave is not paid out in cash."}, (2,)),
        (PRICE, {"growth": 5, "as_share": 0.05, "revenue": 1_200_000_000, "billions": 1.2}, (3,)),
        (PRICE, {"price": 1499.5, "currency": "EUR"}, (3,)),
        ("Who led the Normans?", {"name": "Rollo", "of": "Normans"}, (1,)),
        ("Who led the Normans?", {"title": "King Charles III"}, (1,)),
        (LEAVE, {"answer": "March 31, 2025"}, (2,)),
        (LEAVE, {"policy": "Leave policy"}, (2,)),
    ],
)
def test_it_keeps_what_passages_hold_and_cites_them(
    embed: Embed, passages: list[Passage], question: str, data: Any, cited: tuple[int, ...]
) -> None:
    found = judged(embed, passages, question, data)
    assert json.loads(found.text) == data and found.cited == cited and found.left_out == ()


@pytest.mark.parametrize(
    ("question", "data"),
    [
        (LEAVE, {"days": 26}),
        (LEAVE, {"answer": "40 days"}),
        (LEAVE, {"answer": "The colour is blue."}),
        (LEAVE, {"days": 25, "expires": "2025-04-30"}),
        (LEAVE, {"days": 25, "note": "Interns get 25 weeks of paid leave in Lisbon."}),
        (LEAVE, {"days": [25, 12, 30]}),
        (LEAVE, {"answer": "unused interns"}),  # words of two sentences
        (LEAVE, {"answer": "Employee 2025-03-30"}),
        (LEAVE, {"answer": "12-25"}),  # numbers of two sentences
        (LEAVE, {"answer": "paid leave"}),  # the question's own words
        (LEAVE, {"answer": " "}),
        (LEAVE, {"answer": "The documents do not say."}),
        (PRICE, {"share": 0.06}),
    ],
)
def test_it_refuses_what_no_passage_holds(embed: Embed, passages: list[Passage], question: str, data: Any) -> None:
    found = judged(embed, passages, question, data)
    assert found.text == "" and found.cited == ()


def test_it_puts_null_where_the_schema_takes_it_and_something_else_is_held(
    embed: Embed, passages: list[Passage]
) -> None:
    maybe = {"type": ["string", "null"]}
    found = judged(embed, passages, LEAVE, {"days": 25, "colour": "ultramarine"}, colour=maybe)
    assert json.loads(found.text) == {"days": 25, "colour": None}
    assert found.cited == (2,) and found.left_out == ("ultramarine",) and found.values == 2
    assert judged(embed, passages, LEAVE, {"colour": "ultramarine"}, colour=maybe).text == ""


def test_it_leaves_the_choices_of_the_schema_alone(embed: Embed, passages: list[Passage]) -> None:
    data = {"kind": "unknown", "known": False, "days": None}
    found = judged(embed, passages, LEAVE, data, kind={"enum": ["holiday", "unknown"]})
    assert json.loads(found.text) == data and found.cited == () and found.values == 0


def test_it_cites_one_passage_where_several_hold_a_value(embed: Embed, passages: list[Passage]) -> None:
    again = [passages[0], passages[2], passages[1], passages[1]]
    assert judged(embed, again, LEAVE, {"days": 25, "interns": 12}).cited == (3,)


def test_it_takes_citation_marks_out_of_texts(embed: Embed, passages: list[Passage]) -> None:
    found = judged(embed, passages, LEAVE, {"answer": "25 days [2].", "interns": ["12 days [1, 2]"]})
    assert json.loads(found.text) == {"answer": "25 days.", "interns": ["12 days"]} and found.cited == (2,)


def test_it_raises_where_there_is_no_json(embed: Embed, passages: list[Passage]) -> None:
    check = RuleJudge(embed).open(LEAVE, passages, "The documents do not say.")
    with pytest.raises(ValueError, match="."):
        JsonCheck(check, LEAVE, passages).judge('{"days": 2', {})
