"""Suggestions: from the passages that were found, and nothing that was asked already."""

from __future__ import annotations

from assistant.orchestration.suggest import suggest
from knowledge.types import Passage


def passage(n: int, text: str = "Text.", heading: str = "", title: str = "Employee handbook") -> Passage:
    return Passage(f"c{n}", f"d{n}", "col", title, "", text, heading, None, "", 1.0)


def test_it_offers_headings_beside_the_cited_passage() -> None:
    passages = [passage(1, heading="Leave > Sick leave"), passage(2, heading="2.1 Expense Claims"), passage(3)]
    offered = suggest("How long can I be sick?", passages, ["c1"], 3)
    assert offered == ('What does "Employee handbook" say about Expense Claims?',)


def test_it_leaves_a_heading_in_title_case_as_it_is() -> None:
    found = [suggest("What?", [passage(1, heading=heading)], [], 1)[0] for heading in ("Pay and Perks", "Sick leave")]
    assert [one.rsplit(" about ")[1] for one in found] == ["Pay and Perks?", "sick leave?"]


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
