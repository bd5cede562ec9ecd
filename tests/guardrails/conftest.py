"""Passages to judge by, and the embedder that ships."""

from __future__ import annotations

import pytest

from assistant.guardrails.sources import Embed
from knowledge.embed import OnnxEmbedder
from knowledge.types import Passage


@pytest.fixture(scope="session")
def embed() -> Embed:
    return OnnxEmbedder(threads=1).embed


def passage(text: str, title: str = "Handbook", heading: str = "", n: int = 1) -> Passage:
    return Passage(f"chunk{n}", f"doc{n}", "handbook", title, f"{n}.md", text, heading, None, "", 1.0)


@pytest.fixture(scope="session")
def passages() -> list[Passage]:
    return [
        passage(
            "The Normans gave their name to Normandy, a region in France. They were descended from Norse raiders from"
            " Denmark, Iceland and Norway who, under their leader Rollo, agreed to swear fealty to King Charles III.",
            "Normans",
        ),
        passage(
            "Employees get 25 days of paid leave per year. Unused leave expires on 31 March 2025. Interns get 12 days."
            " Leave is not paid out in cash.",
            "Leave policy",
            "HR > Leave",
            2,
        ),
        passage(
            "Revenue rose by 5 percent to $1.2 billion. The price is 1,499.50 EUR per seat. Office hours are 9 to 17.",
            "Annual report",
            n=3,
        ),
    ]
