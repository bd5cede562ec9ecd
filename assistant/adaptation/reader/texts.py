"""Texts of another kind than the rows that train: documents of which no row asks anything."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from assistant.adaptation.errors import DatasetError
from assistant.adaptation.rows import Passage

_LEAST, _ABOUT, _MOST = 150, 500, 1100  # characters of a text


def texts(sources: Sequence[Path]) -> list[Passage]:
    """Return parts of the Markdown files of each folder, and the longest field of each row of each JSON Lines file.

    Texts have 150 to 1,100 characters; shorter ones are left out. Raises DatasetError where a file cannot be read so.
    """
    found = []
    for source in sources:
        if source.is_dir():
            found += [one for file in sorted(source.rglob("*.md")) for one in _parts(file)]
        else:
            found += _fields(source)
    return [one for one in found if len(one.text) >= _LEAST]


def _fields(file: Path) -> list[Passage]:
    try:
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
        return [Passage("", max(map(str, row.values()), key=len, default="")[:_MOST]) for row in rows]
    except (OSError, ValueError, AttributeError) as exc:
        raise DatasetError(
            f"Cannot read texts from {str(file)!r}: {exc}. "
            "Give a folder of Markdown files, or a file with one JSON object a line.",
            "texts_unreadable",
        ) from exc


def _parts(file: Path) -> list[Passage]:
    found, part = [], ""
    for block in re.split(r"\n\s*\n", file.read_text("utf-8", "replace")):
        part = f"{part}\n\n{block}".strip()
        if len(part) >= _ABOUT:
            found.append(part)
            part = ""
    return [Passage(file.parent.name, one[:_MOST]) for one in [*found, part]]
