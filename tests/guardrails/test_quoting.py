"""Citations: the quote holds what the answer rests on, and the page is that of the place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.guardrails.quoting import cite
from knowledge.types import PageBreak, Passage
from tests.guardrails.conftest import passage

FILLING = "The handbook goes on about other things for a while. "


def long(*facts: str) -> Passage:
    return passage(FILLING * 20 + " ".join(facts) + " " + FILLING * 10)


@pytest.fixture
def turned() -> Passage:
    text = "Everyone gets 25 days.\n\nInterns get 12 days.\n\nAsk your lead first."
    breaks = (PageBreak(text.index("Interns"), 8), PageBreak(text.index("Ask"), 9))
    return replace(passage(text), page=7, anchor="page=7", page_breaks=breaks)


@pytest.mark.parametrize(
    ("claim", "page"),
    [
        ("Everyone gets 25 days.", 7),
        ("Interns get **12 days**.", 8),
        ("One asks the lead.", 9),
        ("", 7),
        ("Nothing of this.", 7),
    ],
)
def test_it_tells_the_page_of_the_sentence(turned: Passage, claim: str, page: int) -> None:
    cited = cite(3, turned, claim)
    assert (cited.n, cited.page, cited.anchor, cited.quote) == (3, page, f"page={page}", turned.text)


def test_of_sentences_with_all_the_words_it_takes_the_one_with_no_others() -> None:
    text = "Agencies, tribes and community partners get support. Tribes.\n\nCommunity partners"
    breaks = (PageBreak(text.index("Community p"), 2),)
    assert cite(1, replace(passage(text), page=1, page_breaks=breaks), "Community partners").page == 2


def test_it_quotes_the_sentence_wherever_it_stands() -> None:
    fact = "Unused leave expires on 31 March."
    cited = cite(1, found := long(fact), "It expires on 31 March.")
    assert fact in cited.quote and cited.quote in found.text and len(cited.quote) == 600
    assert cited.quote.startswith(FILLING)  # from the beginning of a sentence on


def test_it_quotes_from_the_beginning_what_can_be_reached_from_there() -> None:
    found = passage("Leave is 25 days. " + FILLING * 30)
    assert cite(1, found, "25 days").quote == cite(1, found).quote == found.text[:600]


def test_a_sentence_longer_than_a_quote_is_quoted_from_its_beginning() -> None:
    found = passage(FILLING * 12 + "Interns " + "and others " * 100 + "get 12 days.")
    assert cite(1, found, "interns get 12 days").quote.startswith(FILLING * 4 + "Interns and others")


@pytest.mark.parametrize("text", ["", "   ", "x" * 5000, "a\n\n\n"])
def test_it_takes_any_text(text: str) -> None:
    assert cite(1, passage(text), "a claim").quote == text[:600]
