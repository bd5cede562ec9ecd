"""Budget: whatever the parts, the prompt never overflows, and what matters most stays."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.orchestration.budget import fit
from assistant.orchestration.errors import ContextTooSmall
from assistant.orchestration.prompts import Message, load, render

PROMPT = load("grounded_answer")
TEXT = st.text(st.sampled_from("ab cdé日 \n."), max_size=400)


async def count(messages: tuple[Message, ...]) -> int:
    """Count like a byte-level tokenizer at its worst: each byte a token, and a template around each message."""
    return sum(len(m.content.encode()) + 12 for m in messages) + 6


async def words(messages: tuple[Message, ...]) -> int:
    return sum(len(m.content.split()) + 4 for m in messages)


def rendered(passages: Sequence[tuple[str, str]], question: str) -> list[Message]:
    return render(PROMPT, passages, question)


@given(
    st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), TEXT), max_size=6),
    st.lists(st.tuples(TEXT, TEXT), max_size=6),
    TEXT,
    st.integers(0, 3000),
)
@settings(max_examples=150, deadline=None)
async def test_it_never_overflows_the_room(
    history: list[Message], passages: list[tuple[str, str]], question: str, room: int
) -> None:
    try:
        fitted = await fit(rendered, history, passages, question, room, count)
    except ContextTooSmall:
        bare = await count(tuple(rendered([], "")))
        assert room < bare + 200
        return
    assert await count(fitted.messages) <= room
    assert fitted.messages[0].content == PROMPT.system
    assert fitted.passages <= len(passages)
    whole = (fitted.passages, fitted.history) == (len(passages), len(history))
    assert fitted.trimmed or whole


async def test_it_leaves_a_prompt_that_fits_alone() -> None:
    history = [Message("user", "Hi"), Message("assistant", "Hello")]
    fitted = await fit(rendered, history, [("T", "text")], "Who?", 10_000, count)
    assert not fitted.trimmed
    assert [m.role for m in fitted.messages] == ["system", "user", "assistant", "user"]
    assert fitted.messages[-1].content == "[1] T\ntext\n\nQuestion: Who?"


async def test_it_gives_up_history_before_passages_and_passages_before_the_question() -> None:
    history = [Message("user", "old " * 30), Message("assistant", "older " * 30)] * 2
    passages = [("A", "first " * 20), ("B", "second " * 20)]
    full = await words(tuple(rendered(passages, "Who is it?")))
    fitted = await fit(rendered, history, passages, "Who is it?", full, words)
    assert (fitted.history, fitted.passages) == (0, 2)
    fitted = await fit(rendered, history, passages, "Who is it?", full - 15, words)
    assert fitted.passages == 2
    assert "Who is it?" in fitted.messages[-1].content
    assert fitted.messages[-1].content.count("second") < 20
    assert fitted.messages[-1].content.count("first") == 20


async def test_it_keeps_beginning_and_end_of_a_question_that_is_too_long() -> None:
    question = "Begin " + "filler " * 500 + "why?"
    fitted = await fit(rendered, [], [], question, 200, words)
    assert fitted.messages[-1].content.startswith("\n\nQuestion: Begin")
    assert fitted.messages[-1].content.endswith("why?")


async def test_it_says_when_nothing_fits() -> None:
    with pytest.raises(ContextTooSmall, match="leaves 5 tokens"):
        await fit(rendered, [], [("A", "text")], "Who is it, and why?" * 10, 5, count)


async def test_it_counts_only_when_it_has_to() -> None:
    asked: list[int] = []

    async def counted(messages: tuple[Message, ...]) -> int:
        asked.append(1)
        return await words(messages)

    await fit(rendered, [], [("T", "text " * 50)], "Who?", 4_000, counted)
    assert not asked
