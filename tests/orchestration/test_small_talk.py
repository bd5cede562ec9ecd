"""Small talk: answered honestly, and nothing that asks for something is taken for it."""

from __future__ import annotations

import pytest

from assistant.orchestration.small_talk import small_talk


@pytest.mark.parametrize(
    "text",
    [
        "hi",
        "Hello!",
        "Hi there 👋",
        "Good morning",
        "Thanks a lot!",
        "ok thanks",
        "Bye",
        "Who are you?",
        "help",
        "Hallo",
    ]
    + ["What can you do?", "👍", "Merci beaucoup", "How are you?", "???"],
)
def test_it_answers_small_talk(text: str) -> None:
    assert small_talk(text)


def test_it_says_what_it_can_do_and_that_it_is_a_program() -> None:
    said = small_talk("Are you a human?") or ""
    assert "computer program" in said
    assert "documents" in said


@pytest.mark.parametrize(
    "text",
    [
        "What is the vacation policy?",
        "hello, what is the vacation policy?",
        "help desk phone number",
        "thanks giving day",
    ]
    + ["", "Who are you going to promote?", "test coverage rules", "hi " * 50, "What is this document about?", "okra"],
)
def test_it_leaves_questions_alone(text: str) -> None:
    assert small_talk(text) is None
