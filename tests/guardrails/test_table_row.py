"""Rows: a cell that answers is shown with what its row says about it."""

from __future__ import annotations

import pytest

from assistant.guardrails.spell_out import spelled_out
from assistant.guardrails.table_row import row_told, table_told
from assistant.guardrails.words import tokens

PRODUCTS = """Our products:

| id | name | price | brand | description |
| --- | --- | --- | --- | --- |
| 1 | TrailMaster X4 Tent | 250.0 | OutdoorLiving | Your home away from home, crafted from polyester, with a \
spacious interior that is perfect for four. |
| 2 | Summit Jacket | 90.0 | HikeMate | Warm. |
| 3 | Summit Tent | 90.0 | HikeMate | Large. |
"""
HOLIDAYS = """| New Year’s Day | January 1 |
| --- | --- |
| Labor Day | First Monday in September |"""


def test_it_tells_a_cell_under_the_names_of_the_columns() -> None:
    told = row_told("250.0", "How much is the TrailMaster X4 Tent?", PRODUCTS)
    assert told == "id: 1; name: TrailMaster X4 Tent; price: **250.0**; brand: OutdoorLiving"


def test_it_takes_the_row_with_most_of_the_question() -> None:
    told = row_told("90.0", "How much is the Summit Tent?", PRODUCTS)
    assert told == "id: 3; name: Summit Tent; price: **90.0**; brand: HikeMate; description: Large."


def test_it_reads_an_answer_over_several_cells() -> None:
    told = row_told("Summit Jacket | 90.0", "What does it cost?", PRODUCTS)
    assert told == "id: 2; name: **Summit Jacket**; price: **90.0**; brand: HikeMate; description: Warm."


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("September", "Labor Day: **First Monday in September**"),
        ("January 1", "New Year’s Day: **January 1**"),
        ("Labor Day", "Labor Day: First Monday in September"),
    ],
)
def test_it_reads_two_columns_as_a_thing_and_what_is_said_of_it(claim: str, told: str) -> None:
    assert row_told(claim, "When is Labor Day?", HOLIDAYS) == told


@pytest.mark.parametrize("claim", ["spacious interior", "25", "", "|", "300.0", "TrailMaster | 90.0"])
def test_it_leaves_what_no_short_cell_says(claim: str) -> None:
    assert row_told(claim, "How much?", PRODUCTS) is None


@pytest.mark.parametrize("text", ["", "|", "| a |", "| a | b | c |\n| --- | --- | --- |\n| 1 | 2 |", "| 1 | 2 | 3 |"])
def test_it_survives_odd_tables(text: str) -> None:
    assert row_told("1", "How much?", text) is None


def test_it_says_nothing_that_does_not_stand_in_the_table() -> None:
    told = spelled_out("HikeMate", "Who makes the Summit Tent?", PRODUCTS)
    assert told is not None and "**HikeMate**" in told
    assert set(tokens(told)) <= set(tokens(PRODUCTS))


def test_it_tells_a_whole_table() -> None:
    assert table_told("January 1", HOLIDAYS) == [
        "New Year’s Day: January 1",
        "Labor Day: First Monday in September",
    ]
    assert table_told("Summit Jacket", f"{HOLIDAYS}\n\n{PRODUCTS}") == [
        "id: 1; name: TrailMaster X4 Tent; price: 250.0; brand: OutdoorLiving",
        "id: 2; name: Summit Jacket; price: 90.0; brand: HikeMate; description: Warm.",
        "id: 3; name: Summit Tent; price: 90.0; brand: HikeMate; description: Large.",
    ]
    assert table_told("Easter", HOLIDAYS) == [] == table_told("Easter", "No table.")
