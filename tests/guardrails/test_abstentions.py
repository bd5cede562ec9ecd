"""Abstentions: recognised in the prompt's words and in those of models, and nothing else with them."""

from __future__ import annotations

import pytest

from assistant.guardrails.abstentions import is_abstention

OWN = "The documents do not say."


@pytest.mark.parametrize(
    "text",
    [
        OWN,
        "the documents do not say",
        "The documents do not",
        "The documents do not say who the king was.",
        "The passages do not mention the price.",
        "The provided context does not explicitly state the date.",
        "I don't know.",
        "I cannot find the answer in the documents.",
        "Sorry, the documents don't say.",
        "Unfortunately, there is no information about this.",
        "This is not mentioned in the passages.",
        "It cannot be determined from the text.",
        "The text contains no information on that.",
        "No information is given.",
        "Unanswerable",
    ],
)
def test_it_recognises_an_abstention(text: str) -> None:
    assert is_abstention(text, OWN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "France",
        "The documents",
        "The documents are kept for ten years.",
        "Employees do not know the password.",
        "No.",
        "It is not allowed.",
        "The policy does not apply to interns.",
        "Not before March.",
        "There is no fee.",
    ],
)
def test_it_takes_nothing_else_for_one(text: str) -> None:
    assert not is_abstention(text, OWN)
