"""Few-shot retrieval: which examples of a prompt stand before a question."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.orchestration.examples import ExampleBank
from assistant.orchestration.prompts import ChatPrompt, Example
from knowledge.errors import EmbedderUnavailable
from knowledge.types import Vectors

WORDS = ["leave", "warranty", "travel", "pay"]


class CountingEmbedder:
    """A vector says which of four words a text has; it counts the texts."""

    def __init__(self, broken: bool = False) -> None:
        self.texts = 0
        self._broken = broken

    def embed(self, texts: list[str]) -> Vectors:
        if self._broken:
            raise EmbedderUnavailable("The embedding model is missing.")
        self.texts += len(texts)
        return np.array([[word in text for word in WORDS] for text in texts], np.float32)


def prompt(shown: int | None, *questions: str) -> ChatPrompt:
    examples = tuple(Example(question=question, answer="Yes.") for question in questions)
    return ChatPrompt(name="tone", system="Be brief.", user="{question}", examples=examples, examples_shown=shown)


async def shown(bank: ExampleBank, given: ChatPrompt, question: str) -> list[str]:
    return [example.question for example in (await bank.closest(given, question)).examples]


async def test_the_closest_are_shown_and_the_closest_of_all_last() -> None:
    given = prompt(2, "leave and pay?", "pay?", "warranty?", "travel?")
    bank = ExampleBank(CountingEmbedder().embed)
    assert await shown(bank, given, "How much leave and pay?") == ["pay?", "leave and pay?"]
    assert (await shown(bank, given, "What of the warranty?"))[-1] == "warranty?"


@pytest.mark.parametrize("count", [None, 2, 5])
async def test_a_prompt_with_no_more_than_it_shows_stays_as_it_is(count: int | None) -> None:
    given, embedder = prompt(count, "pay?", "leave?"), CountingEmbedder()
    assert await ExampleBank(embedder.embed).closest(given, "leave?") is given and embedder.texts == 0


async def test_a_bank_is_embedded_once_for_each_version_of_its_prompt() -> None:
    embedder = CountingEmbedder()
    bank, given = ExampleBank(embedder.embed), prompt(1, "pay?", "leave?")
    for _ in range(3):
        await shown(bank, given, "leave?")
    assert embedder.texts == 2 + 3
    assert await shown(bank, prompt(1, "travel?", "warranty?"), "warranty?") == ["warranty?"]


@pytest.mark.parametrize("bank", [ExampleBank(), ExampleBank(CountingEmbedder(broken=True).embed)])
async def test_the_first_ones_are_shown_where_nothing_can_be_compared(bank: ExampleBank) -> None:
    assert await shown(bank, prompt(2, "pay?", "travel?", "leave?"), "leave?") == ["pay?", "travel?"]
