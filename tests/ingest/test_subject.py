"""Titles that do not say what a document is about, completed from its first line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.loaders.markdown import parse
from ingest.sandbox import Sandbox
from ingest.subject import completed
from tests.ingest.test_sandbox import read

PRODUCT = (
    "# {}\n\n{}\n\n## Features\n\nThe Trail Tent 4 is light.\n\nThe Trail Tent 4 is small.\n\nPitch the Trail Tent 4."
)
LINE = "Trail Tent 4, price $250,"


def test_the_name_that_the_text_goes_on_naming_is_added(sandbox: Sandbox, tmp_path: Path) -> None:
    found = read(sandbox, tmp_path, PRODUCT.format("Item 12", LINE).encode(), "text/markdown")
    assert found.title == "Item 12 – Trail Tent 4"
    assert not any("Item 12" in one.chunk.heading for one in found.chunks)  # the heading is the title still


def test_a_title_stays_as_short_as_titles_are(sandbox: Sandbox, tmp_path: Path) -> None:
    long = "Item " + "12 " * 62 + "end"
    found = read(sandbox, tmp_path, PRODUCT.format(long, LINE).encode(), "text/markdown")
    assert found.title == long and len(long) < 200


def test_a_file_without_a_heading_gets_it_too() -> None:
    text = PRODUCT.format("Item 12", LINE).removeprefix("# Item 12\n\n")
    title, blocks = completed("scan_0012.pdf", parse(text).blocks)
    assert title == "scan_0012.pdf – Trail Tent 4" and blocks == list(parse(text).blocks)


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("Trail_Tent_4", LINE),  # the title says it
        ("Item 12", "Read about the Trail Tent 4 here."),  # a sentence
        ("Item 12", "Last updated by Ann Smith"),  # named once
        ("Item 12", "trail tent 4, price $250,"),
        ("Item 12", f"{LINE} {'and more ' * 20}"),  # text, not a line that introduces
        ("Item 12", ""),
        ("", ""),
    ],
)
def test_any_other_title_stays(title: str, line: str) -> None:
    blocks = parse(PRODUCT.format(title, line)).blocks
    assert completed(title, blocks) == (title, list(blocks))


def test_a_document_without_text_keeps_its_title() -> None:
    assert completed("Item 12", []) == ("Item 12", [])
