"""Texts of another kind than the rows that train: documents of which no row asks anything."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from assistant.adaptation.rows import Passage

_LEAST, _ABOUT, _MOST = 150, 500, 1100  # characters of a text


def texts(sources: Sequence[Path]) -> list[Passage]:
    """Return parts of the Markdown files of each folder, and the longest field of each row of each JSON Lines file."""
    found = []
    for source in sources:
        if source.is_dir():
            found += [one for file in sorted(source.rglob("*.md")) for one in _parts(file)]
        else:
            rows = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
            found += [Passage("", max(map(str, row.values()), key=len)[:_MOST]) for row in rows]
    return [one for one in found if len(one.text) >= _LEAST]


def _parts(file: Path) -> list[Passage]:
    found, part = [], ""
    for block in re.split(r"\n\s*\n", file.read_text("utf-8", "replace")):
        part = f"{part}\n\n{block}".strip()
        if len(part) >= _ABOUT:
            found.append(part)
            part = ""
    return [Passage(file.parent.name, one[:_MOST]) for one in [*found, part]]
