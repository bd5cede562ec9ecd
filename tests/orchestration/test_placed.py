from __future__ import annotations

from typing import Any

import pytest

from assistant.orchestration.placed import placed_values, said

TEXT = {"type": "string"}
NUMBERS = {"type": "array", "items": {"type": "number"}}
WHOLES = {"type": "array", "items": {"type": "integer"}}
TEXTS = {"type": "array", "items": TEXT}
DAY = {"type": "string", "format": "date"}
COLOURS = {"type": "array", "items": {"type": "string", "enum": ["red", "blue", "dark green"]}}


@pytest.mark.parametrize(
    ("question", "parameters", "placed"),
    [
        # lists
        ("mean of 5, 7 and 9", {"of": WHOLES}, {"of": [5, 7, 9]}),
        ("mean of [5, -7.5, 9]", {"of": NUMBERS}, {"of": [5.0, -7.5, 9.0]}),
        ("fit x=[1, 2, 3] to y=[4, 5, 6]", {"x": WHOLES, "y": WHOLES}, {"x": [1, 2, 3], "y": [4, 5, 6]}),
        ("at 46.6,1.88 on December 13, 2019", {"at": NUMBERS}, {"at": [46.6, 1.88]}),
        ("price of tomatoes and lettuce in Bonn", {"items": TEXTS}, {"items": ["tomatoes", "lettuce"]}),
        ("Lakers and Clippers, who won?", {"teams": TEXTS}, {"teams": ["Lakers", "Clippers"]}),
        ("tag it 'late', 'paid'", {"tags": TEXTS}, {"tags": ["late", "paid"]}),
        ("columns [name, age]", {"columns": TEXTS}, {"columns": ["name", "age"]}),
        (
            "the points per game, assists, and minutes",
            {"of": TEXTS},
            {"of": ["points per game", "assists", "minutes"]},
        ),
        ("paint it dark-green and red", {"colours": COLOURS}, {"colours": ["red", "dark green"]}),
        # both ends
        ("from New York to Miami, please", {"start": TEXT, "end": TEXT}, {"start": "New York", "end": "Miami"}),
        (
            "distance between Rome and Bonn",
            {"origin": TEXT, "destination": TEXT},
            {"origin": "Rome", "destination": "Bonn"},
        ),
        ("10 miles to kilometers", {"from_unit": TEXT, "toUnit": TEXT}, {"from_unit": "miles", "toUnit": "kilometers"}),
        ("How many pounds are 75 kg?", {"from_unit": TEXT, "to_unit": TEXT}, {"from_unit": "kg", "to_unit": "pounds"}),
        ("to Washington D.C. from here", {"start": TEXT, "end": TEXT}, {}),
        # dates
        ("on May 4, 2025", {"day": DAY}, {"day": "2025-05-04"}),
        ("4th of May 2025 until 2025-6-1", {"a": DAY, "b": DAY}, {"a": "2025-05-04", "b": "2025-06-01"}),
        ("on May 4, 2025", {"day": {**TEXT, "description": "as MM/DD/YYYY"}}, {"day": "05/04/2025"}),
        ("on May 4, 2025", {"day": TEXT}, {}),
        ("on February 31, 2025", {"day": DAY}, {}),
        # what is not plain is left open
        ("mean of the values", {"of": NUMBERS}, {}),
        ("5, 6 and 7, 8", {"a": WHOLES, "b": WHOLES}, {}),
        ("red or so", {"colours": {"type": "array", "items": {"enum": ["blue"]}}}, {}),
        ("", {"a": TEXT, "b": TEXTS, "c": {"type": "array"}, "d": {}}, {}),
    ],
)
def test_it_places_what_is_plain_in_the_question(
    question: str, parameters: dict[str, Any], placed: dict[str, Any]
) -> None:
    assert placed_values(parameters, question) == placed


def test_it_hears_choices_however_they_are_joined_and_no_letters() -> None:
    choices = ["gluten_free", "historical record", "cm", "a", 3, None]
    assert said(choices, "a Gluten-free cake, 10 cmx, in historical records") == ["gluten_free", "historical record"]
    assert said(choices, "") == []
