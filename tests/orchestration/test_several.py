"""How often a question wants one function."""

from __future__ import annotations

import pytest

from assistant.orchestration import several
from skills.types import Schema
from tests.orchestration.schemas import AREA, FORECAST, NUMBER, ROUTE, TEXT, WHOLE, schema


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
