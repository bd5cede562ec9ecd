"""Suggestions: from the passages that were found, and nothing that was asked already."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.orchestration.suggest import suggest
from knowledge.types import Passage, StageScores


def passage(n: int, text: str = "Text.", heading: str = "", title: str = "Employee handbook") -> Passage:
    return Passage(f"c{n}", f"d{n}", "col", title, "", text, heading, None, "", 1.0)


def test_it_offers_headings_beside_the_cited_passage() -> None:
    passages = [passage(1, heading="Leave > Sick leave"), passage(2, heading="2.1 Expense Claims"), passage(3)]
    offered = suggest("How long can I be sick?", passages, ["c1"], 3)
    assert offered == ('What does "Employee handbook" say about Expense Claims?',)


def test_it_offers_nothing_from_passages_far_from_the_question() -> None:
    near, far = StageScores(dense=0.5), StageScores(dense=0.1)
    passages = [
        replace(passage(1, heading="Free coffee"), scores=near),
        replace(passage(2, "Who pays? Where is the tea kitchen of the first floor?", "Lunch hours"), scores=near),
        replace(passage(3, "How is a clinical trial begun?", "Clinical trials"), scores=far),
        passage(4, heading="Found by its words alone"),
    ]
    offered = suggest("When is coffee free?", passages, ["c1"], 9)
    assert offered == (
        "Where is the tea kitchen of the first floor?",
        'What does "Employee handbook" say about lunch hours?',
    )


def test_it_leaves_a_heading_in_title_case_as_it_is() -> None:
    found = [suggest("What?", [passage(1, heading=heading)], [], 1)[0] for heading in ("Pay and Perks", "Sick leave")]
    assert [one.rsplit(" about ")[1] for one in found] == ["Pay and Perks?", "sick leave?"]


@pytest.mark.parametrize(
    "heading",
    [
        "Table of contents", "Contents", "Page 3", "Page 3 of 10", "1.2", "2.", "IV.", "Introduction", "1 Introduction",
        "Chapter 1: Introduction", "Chapter 2", "Section 1.2", "Sheet1", "Slide 4", "Annex B", "§ 4", "Q3", "2024",
        "Sick leave ........ 12", "Inhaltsverzeichnis", "1. Einleitung", "Seite 3 von 9", "Sommaire", "",
    ],
)  # fmt: skip
def test_it_makes_no_question_of_a_heading_that_names_nothing(heading: str) -> None:
    assert suggest("What?", [passage(1, heading=heading)], [], 3) == ()


@pytest.mark.parametrize(
    ("heading", "about"),
    [
        ("Chapter 2: Travel costs", "travel costs"), ("1.2 Sick leave", "sick leave"),
        ("Part-time work", "part-time work"), ("Anhang B: Reisekosten", "reisekosten"),
        ("Item returns", "item returns"),
        ("Tables and figures", "tables and figures"), ("Introduction to the gym", "introduction to the gym"),
        ("Steps of an appeal", "steps of an appeal"),
    ],
)  # fmt: skip
def test_it_asks_about_what_a_heading_names_behind_its_number(heading: str, about: str) -> None:
    (offered,) = suggest("What?", [passage(1, heading=heading)], [], 3)
    assert offered.endswith(f"say about {about}?")


def test_it_offers_questions_that_stand_in_a_passage() -> None:
    text = (
        "FAQ\nVenturing into wet weather? How do I book a desk? Use the app. What about <b>x</b> and more markup here?"
    )
    passages = [passage(1, text)]
    assert suggest("Where is the gym?", passages, [], 3) == ("How do I book a desk?",)


def test_it_does_not_offer_what_was_asked_or_offered() -> None:
    passages = [
        passage(1, "How do I book a desk? Use the app."),
        passage(2, "How can I book a desk? Use the app.", heading="Overview"),
        passage(3, heading="Booking a desk"),
    ]
    assert suggest("how do i book my desk", passages, [], 3) == ()


def test_it_offers_no_more_than_wished_and_no_markup() -> None:
    passages = [passage(n, heading=f"**Topic{n}** `zeta{n}`", title=f"file_{n}.pdf") for n in range(9)]
    offered = suggest("Something else", passages, [], 2)
    assert offered == ('What does "file 0" say about topic0 zeta0?', 'What does "file 1" say about topic1 zeta1?')
    assert suggest("Something else", passages, [], 0) == ()
