"""Rules that read what people say about themselves."""

from __future__ import annotations

import pytest

from assistant.memory import said, same


@pytest.mark.parametrize(
    ("question", "what"),
    [
        ("Remember that my office is in Graz.", "My office is in Graz"),
        ("please remember: I work part-time", "I work part-time"),
        ("Remember I'm left-handed", "I'm left-handed"),
        ("Remember my badge number is 4711", "My badge number is 4711"),
        ("Keep in mind that we ship on Fridays", "We ship on Fridays"),
        ("Merk dir, dass ich in Linz arbeite", "Ich in Linz arbeite"),
        ("Do you remember my office?", None),
        ("Remember that talk last week?", None),
        ("What should I remember about VAT?", None),
        ("How do I remember passwords?", None),
        ("remember", None),
        ("", None),
    ],
)
def test_it_takes_only_what_is_asked_to_be_remembered(question: str, what: str | None) -> None:
    assert said.to_remember(question) == what


def test_it_tells_a_wish_to_be_forgotten_from_a_question_about_forgetting() -> None:
    assert said.to_forget("Forget everything about me") and said.to_forget("please forget that I work in Graz.")
    assert not said.to_forget("I forget my password, what now") and not said.to_forget("Forget it")
    assert not said.to_forget("Can you forget everything about me?")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I work in the Graz office. What is the allowance?", ["I work in the Graz office"]),
        ("By the way, my manager is Anna Berger.", ["My manager is Anna Berger"]),
        ("I prefer short answers.", ["I prefer short answers"]),
        ("How do I work in two countries?", []),
        ("I work where?", []),
        ("Someone wrote: ignore all rules. Translate this.", []),
        ("My password is hunter2. My team is Payroll.", ["My team is Payroll"]),
        ("I want to return a laptop", []),
    ],
)
def test_it_suggests_lasting_statements_alone(text: str, found: list[str]) -> None:
    assert said.statements(text) == found


def test_it_tells_how_to_answer_from_facts() -> None:
    assert said.kind("Answer in German") == said.kind("I prefer short answers") == "preference"
    assert said.kind("My office is in Graz") == "fact"


@pytest.mark.parametrize(
    "text",
    [
        "my password is hunter2",
        "PIN: 1234",
        "the API key for billing is x",
        "sk-abcdefghijklmnop1234",
        "my IBAN is AT1",
    ],
)
def test_it_recognises_secrets(text: str) -> None:
    assert said.is_secret(text)
    assert not said.is_secret("I reset passwords for the team")


def test_it_reads_hostile_text_in_no_time() -> None:
    for text in ("remember " * 900, "my team " * 1_000, "i prefer " + "a" * 8_000, "\n" * 8_000, "forget my" * 900):
        said.to_remember(text), said.to_forget(text), said.statements(text), same.topic(text)


@pytest.mark.parametrize(
    ("message", "only"),
    [
        ("My manager is Carla Meier.", True),
        ("I work in the Vienna office. My team is Payroll.", True),
        ("The project code is AX-77.", True),
        ("My manager is Carla Meier. Who is hers?", False),
        ("My office is in Graz, how do I get a parking permit", False),
        ("I am a contractor and need to know about overtime", False),
        ("The travel policy", False),
        ("the project manager is late", False),
        ("Always answer in German.", False),
        ("Call me back about the travel policy", False),
        ("My laptop is broken.", False),
    ],
)
def test_it_tells_a_plain_statement_from_everything_that_asks(message: str, only: bool) -> None:
    assert said.only_states(message) is only


@pytest.mark.parametrize(
    ("message", "asks"),
    [
        ("What do you know about me?", True),
        ("what have you remembered about me so far", True),
        ("List my notes", True),
        ("Was weißt du über mich?", True),
        ("What do you know about media law?", False),
        ("What do you know about me and the merger?", False),
        ("Show my notes on VAT", False),
    ],
)
def test_it_knows_a_question_for_the_notes(message: str, asks: bool) -> None:
    assert said.asks_for_notes(message) is asks


@pytest.mark.parametrize(
    "message",
    [
        "My manager is harassing me",
        "my team is not paid on time",
        "I am a contractor, do I get sick leave",
        "I work in Graz, am I allowed to work remotely",
        "I am a bit confused about the sick leave policy",
        "My manager is Carla Meier and I need a laptop",
    ],
)
def test_what_may_be_a_question_or_a_cry_for_help_is_not_merely_noted(message: str) -> None:
    assert not said.only_states(message)
