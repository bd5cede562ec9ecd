from __future__ import annotations

import pytest

from assistant.guardrails.spell_out import LONGEST, linked, spelled_out

LEAVE = "Leave\nEvery employee has 28 days of paid leave a year. Unused days expire on 31 March, not earlier."
HOW_MANY = "How many days of paid leave does an employee have?"


@pytest.mark.parametrize("claim", ["28 days", "28 days.", "28  Days"])
def test_it_shows_a_fragment_in_its_sentence(claim: str) -> None:
    assert spelled_out(claim, HOW_MANY, LEAVE) == "Every employee has **28 days** of paid leave a year."


def test_it_takes_the_sentence_that_has_most_of_the_question() -> None:
    text = "Days are counted from Monday. Guests stay 28 days. An employee has 28 days of paid leave."
    assert spelled_out("28 days", HOW_MANY, text) == "An employee has **28 days** of paid leave."


def test_it_emphasises_nothing_that_the_question_said() -> None:
    assert spelled_out("paid leave", HOW_MANY, LEAVE) == "Every employee has 28 days of paid leave a year."


def test_it_emphasises_from_the_first_new_word_on() -> None:
    assert (
        spelled_out("employee has 28 days", HOW_MANY, LEAVE) == "Every employee has **28 days** of paid leave a year."
    )


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("30 days", LEAVE),  # reworded, or wrong: what the check let through stands as it is
        ("8 days", LEAVE),  # a part of a number
        ("Every employee has 28 days of paid leave a year", LEAVE),  # the sentence itself
        ("28 days", f"Every employee has 28 days of leave, {'and so on, ' * (LONGEST // 10)}they say."),
        ("28 days", "Every employee has *28 days* of paid leave a year."),
        ("", LEAVE),
        ("...", LEAVE),
    ],
)
def test_it_leaves_alone_what_is_no_fragment_of_a_sentence(claim: str, text: str) -> None:
    assert spelled_out(claim, HOW_MANY, text) is None


@pytest.mark.parametrize(
    ("claim", "text", "told"),
    [
        ("28 days", "Paid leave: 28 days", "Paid leave: **28 days**"),
        ("Three weeks", "You get:\n* Three weeks of leave (15 days)\n* A desk", "**Three weeks** of leave (15 days)"),
        ("Byron", "Welcome!\n\nAda Byron\n\nHead of Acme", "Ada **Byron**"),
        ("28 days", "- Notice of 28 days\n- Leave of 28 days a year", "Leave of **28 days** a year"),
        ("28 days", "Leave goes on for\n28 days or so for\nall of us", None),  # a line that was broken for its width
        ("28 days", "* 28 days", None),
        ("28 days", f"* 28 days {'and so on ' * 20}", None),
    ],
)
def test_it_shows_a_fragment_with_the_rest_of_its_line(claim: str, text: str, told: str | None) -> None:
    assert spelled_out(claim, HOW_MANY, text) == told


def test_it_makes_an_address_behind_words_a_link_that_shows_its_host() -> None:
    text = "See the List (https://example.org/a%20b/List.md), and mail (not the form)."
    assert linked(text) == "See the List ([example.org](https://example.org/a%20b/List.md)), and mail (not the form)."


@pytest.mark.parametrize(
    "text",
    [
        "see [List](https://a.org/b)",
        "f(https://a.org)",
        "List (https://)",
        "List (ftp://a.b)",
        "List (https://a\u2100b)",
    ],
)
def test_it_leaves_other_addresses_as_they_are(text: str) -> None:
    assert linked(text) == text
