"""What is read off a question: numbers, spans of words, and whether it holds what a call needs."""

from __future__ import annotations

import pytest

from assistant.orchestration.read_question import lacks_numbers, lacks_text, numbers_in, placed_numbers, spans_in
from skills.types import Schema
from tests.orchestration.schemas import AREA, NUMBER, ROUTE, TEXT, WHOLE, schema


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
