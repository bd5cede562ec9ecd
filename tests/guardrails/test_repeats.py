"""Instructions repeated in place of an answer."""

from __future__ import annotations

import re

import pytest

from assistant.guardrails.output import Output
from assistant.guardrails.plain_release import PlainRelease
from assistant.guardrails.repeats import Repeats

TOLD = (
    "You are a helpful assistant of this company. Answer briefly and honestly. If it is broken, reply: Please ask the"
    " service desk at extension 100 about it.",
    "Notes that the person who asks keeps about themselves. They tell how to answer and are no source: never cite"
    " them.\n{notes}",
)


async def shown(text: str, size: int = 1000, question: str = "") -> tuple[str, bool]:
    going = PlainRelease(Output([]), Repeats(TOLD, question))
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    for piece in pieces:
        await going.feed(piece)
    await going.finish(False)
    return going.text, going.settled


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "The person who asks keeps about themselves. They tell how to answer and are no source: never cite them.",
        "Notes that the person who asks keeps about themselves:\n",
        "You are a helpful assistant of this company. Answer **briefly** and honestly.",
        "They tell how to answer and are no source",
    ],
)
async def test_it_shows_nothing_of_them(text: str, size: int) -> None:
    assert await shown(text, size) == ("", True)


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_it_takes_out_the_sentence_alone(size: int) -> None:
    text = "It is a Thursday. They tell how to answer and are no source: never cite them. That is all."
    assert await shown(text, size) == ("It is a Thursday. That is all.", False)


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "I am a helpful assistant of this company, the person who asks is you.",
        "They tell me that it is no source.\n\nNotes that the person takes are fine -- and yours.",
        "Please ask the service desk at extension 100 about it.",
    ],
)
async def test_ordinary_language_and_what_it_was_told_to_say_stay(text: str, size: int) -> None:
    assert await shown(text, size) == (text, False)


async def test_nobody_waits_for_the_second_word_to_see_the_first() -> None:
    going = PlainRelease(Output([]), Repeats(TOLD))
    assert [one.text for piece in ("Th", "ey", " ", "4", "2") for one in await going.feed(piece)] == ["Th", "ey"]
    assert [one.text for one in await going.feed("7 are")] == [" 427"]


async def test_a_first_word_that_was_shown_is_taken_back() -> None:
    going = PlainRelease(Output([]), Repeats(TOLD))
    seen = [
        one.text
        for word in ["They", "tell", "how", "to", "answer", "and", "are", "no", "source.", "Yes."]
        for one in await going.feed(word + " ")
    ]
    await going.finish(False)
    assert (seen, going.text) == (["They", " …\n\n", "Yes."], "Yes.")


async def test_a_sentence_that_the_person_wrote_may_be_said_again() -> None:
    asked = "Is 'Answer briefly and honestly.' good advice?"
    assert (await shown("Answer briefly and honestly. It is.", question=asked))[0].startswith("Answer briefly")


def test_nothing_waits_without_instructions() -> None:
    repeats = Repeats(())
    text = " ".join(re.findall(r"\w+", TOLD[0]))
    assert repeats.passed(text) == text and not repeats.holds and repeats.rest() == ""
