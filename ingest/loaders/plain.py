"""Plain text: paragraphs are what empty lines separate."""

from __future__ import annotations

import re

from ingest.encoding import decode
from ingest.errors import DocumentRefused
from ingest.types import Block, Loaded, Source

_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_HARD_WRAP = re.compile(r"(?<=[^\n]{40})\n(?=[a-zà-öø-ÿ(])")  # a full line, then one that goes on in lower case


def load(source: Source) -> Loaded:
    """Return the paragraphs of a text file in any common encoding; raises DocumentRefused (too_large)."""
    return Loaded(None, tuple(paragraphs(read_text(source))))


def read_text(source: Source, stated: str | None = None) -> str:
    """Return the whole file as text; raises DocumentRefused (too_large) for more than the limits allow."""
    text = decode(source.read(4 * source.limits.text_bytes), stated)  # UTF-32 takes four bytes per character
    if len(text) > source.limits.text_bytes:
        raise DocumentRefused(
            "too_large", f"It holds more than {source.limits.text_bytes // 2**20} MiB of text; upload it in parts."
        )
    return text


def paragraphs(text: str, page: int | None = None) -> list[Block]:
    """Return one block per paragraph, hard-wrapped lines joined."""
    parts = (part.strip() for part in _PARAGRAPHS.split(text))
    return [Block("text", _HARD_WRAP.sub(" ", part), page=page) for part in parts if part]
