"""Titles that do not say what a document is about: the product of a page called "Information about item 12"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ingest.types import Block

_NAME = re.compile(r"[A-Z][\w’'-]*(?: [A-Z0-9][\w’'-]*)+")  # two words or more, each with a capital or a digit
_LONGEST = 120  # characters of a line that introduces a document; more is text
_REPEATED = 3  # blocks besides that name it


def completed(title: str, blocks: Sequence[Block]) -> tuple[str, list[Block]]:
    """Return the title with what the document is about, and the blocks under that title.

    A section far below ("Weight: 12 lbs") seldom names it, and who asks does.
    """
    about = _subject(title, blocks)
    if not about:
        return title, list(blocks)
    full = f"{title} – {about}"
    first = replace(blocks[0], text=full) if blocks[0].kind == "heading" and blocks[0].text == title else blocks[0]
    return full, [first, *blocks[1:]]


def _subject(title: str, blocks: Sequence[Block]) -> str:
    """Return the name that the line below the title has and the text goes on naming; "" if there is none."""
    line = next((block.text for block in blocks[:2] if block.kind == "text"), "")
    if len(line) > _LONGEST or line.rstrip().endswith((".", "!", "?", ":")):
        return ""
    known = set(_words(title))
    names = [name for name in _NAME.findall(line) if not known.issuperset(_words(name))]
    return next((name for name in names if sum(name in block.text for block in blocks) > _REPEATED), "")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold().replace("_", " "))
