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


@pytest.mark.parametrize(
    "text",
    [
        *("Thanks, that helped", "Thank you, that was very helpful!", "thanks a lot, this is exactly what I needed"),
        *(
            "Great, thanks, that's all for now.",
            "That helped, thank you",
            "Thanks for the quick reply",
            "ok thanks, got it",
        ),
        *("Thanks, I have it now", "thanks and have a nice day", "Thank you for your help, all clear"),
    ],
)
def test_thanks_may_have_a_few_words_after_them(text: str) -> None:
    assert (small_talk(text) or "").startswith("You are welcome")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Thanks, and what about sick leave?",
            "Thanks, that helped, but who approves it",
            "thank you letter template",
        ),
        *(
            "Thanks. How many days are that",
            "That is all I need for onboarding",
            "thanks, is that all",
            "great leave policy",
        ),
        *(
            "Thanks, that is not what I needed",
            "that helped who",
            "thanks for the day off rules",
            "Thanks, it works how?",
        ),
        *("I have it now", "That helped", "all clear procedure"),
    ],
)
def test_thanks_that_go_on_to_ask_are_no_small_talk(text: str) -> None:
    assert small_talk(text) is None


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
