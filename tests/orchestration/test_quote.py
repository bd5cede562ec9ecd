"""Quotes: the closest sentences, bounded and cited."""

from __future__ import annotations

from assistant.orchestration.quote import excerpt, quoted
from knowledge.types import Passage


def test_it_quotes_the_sentences_that_share_most_words() -> None:
    text = "The office opens at nine. Employees get 25 days of leave. They may carry over five. The end."
    assert excerpt("How many days of leave do employees get?", text).startswith("Employees get 25 days of leave.")
    assert len(excerpt("x", "word " * 1000)) <= 320
    assert excerpt("x", "") == ""


def test_it_cites_at_most_three_passages() -> None:
    passages = [Passage(f"c{n}", "d", "col", "T", "", f"Text {n}.", "", None, "", 1.0) for n in range(9)]
    text = quoted("Text?", passages)
    assert "[3]" in text
    assert "[4]" not in text
    assert text.startswith("No language model can answer")
