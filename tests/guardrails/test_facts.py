"""Facts: what two spellings of one number, date or name have in common, and what not."""

from __future__ import annotations

import pytest

from assistant.guardrails.facts import facts, names, unsupported
from assistant.guardrails.words import content


def missing(claim: str, source: str) -> tuple[str, ...]:
    return unsupported(facts(claim), facts(source), frozenset(content(source)))


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("1000 people", "1,000 people"),
        ("1,000 people", "1'000 people came"),
        ("5 percent", "a rise of 5%"),
        ("5 per cent of it", "5 percent"),
        ("1.2 billion dollars", "$1.2 billion"),
        ("$1,200,000,000", "1.2 billion dollars"),
        ("twenty-one days", "21 days"),
        ("30 days", "30 calendar days"),
        ("30 days", "thirty (30) days"),
        ("6.5 sacks", "6½ sacks"),
        ("12 March 2024", "on 2024-03-12"),
        ("March 12, 2024", "the 12th of March 2024"),
        ("in March 2024", "on 12 March 2024"),
        ("2024", "12 March 2024"),
        ("12/03/2024", "12 March 2024"),
        ("the Norman", "the Normans"),
        ("these two options", "several options"),
        ("Smith's plan", "Smith has a plan"),
        ("3.0 GB", "3 GB"),
    ],
)
def test_it_knows_that_two_spellings_are_the_same(claim: str, source: str) -> None:
    assert missing(claim, source) == ()


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("30 days", "25 days"),
        ("30 days", "30 weeks"),
        ("5 percent", "5 dollars"),
        ("1.2 million", "1.2 billion"),
        ("2,024", "2,023"),
        ("12 March 2024", "12 April 2024"),
        ("12 March 2024", "13 March 2024"),
        ("10.5", "105"),
        ("twelve weeks", "ten weeks"),
        ("It was Anna Smith", "It was Anna Jones"),
        ("It belongs to IBM", "It belongs to a company"),
        ("minus 1.5 km", "1.5 miles"),
    ],
)
def test_it_names_what_the_source_does_not_have(claim: str, source: str) -> None:
    assert missing(claim, source)


def test_it_does_not_take_the_first_word_of_a_sentence_for_a_name() -> None:
    assert names("Employees get leave. They like it. Anna does too.") == set()
    assert names("They asked Anna Meier of ACME in Berlin.") == {"anna", "meier", "acme", "berlin"}


def test_it_counts_an_odd_number_of_negations_as_denial() -> None:
    assert facts("It is not paid").denies
    assert facts("It isn't paid").denies
    assert not facts("It is never not paid").denies


@pytest.mark.parametrize("text", ["", "\x00", "½", "1,", "[1]", "9" * 5000, "99/99/9999", "０１２", "1e999"])
def test_it_survives_odd_texts(text: str) -> None:
    facts(text)
