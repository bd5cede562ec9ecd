"""What a person states, and the summary made of it."""

from __future__ import annotations

import pytest

from assistant.earlier.sentences import MAX_WORDS, extended, stated


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Hello there. The project code is AX-77. What is the weather?", ["The project code is AX-77."]),
        ("We decided to use PostgreSQL.\nPlease write that down", ["We decided to use PostgreSQL."]),
        ("My password is hunter22 and more", []),
        ("I need the travel policy for Graz.", []),
        ("Is the code AX-77?", []),
        ("Tell me what the code is", []),
    ],
)
def test_it_takes_statements_in_the_persons_own_words(message: str, expected: list[str]) -> None:
    assert stated(message) == expected


def test_a_summary_is_extended_and_says_the_same_whichever_way_it_was_cut() -> None:
    said = ["The project code is AX-77.", "What is due?", "Our sponsor is Carla Meier.", "It is nice today."]
    whole = extended((), said)
    assert whole == extended(extended((), said[:2]), said[2:]) == (said[0], said[2])
    assert extended(whole, ["The project code is now BX-12."]) == (said[2], "The project code is now BX-12.")


def test_a_summary_stays_short_and_keeps_what_says_most() -> None:
    talk = [f"The colour of house {chr(97 + n)} is like Mauve over there today." for n in range(26)]
    made = extended((), ["The budget is 17 million and the deadline was agreed with Carla.", *talk])
    assert sum(len(one.split()) for one in made) <= MAX_WORDS and made[0].startswith("The budget")


def test_a_very_long_message_is_no_work() -> None:
    said = " ".join(f"House {n} is not number {n * 7}." for n in range(20_000))
    made = extended((), [said, "The project code is AX-77."])
    assert made[-1] == "The project code is AX-77."  # each sentence beside each other would take an hour
