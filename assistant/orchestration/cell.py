"""Cells: where the row and the column of a table meet that a question names.

The reader was trained on sentences. Asked for the half day in Germany it may mark the row of Austria, which looks as
well as any other to it; which row was asked for stands in its first cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.guardrails.words import content
from assistant.orchestration.topic import among, topic_of
from knowledge.reader import Reading
from knowledge.types import Passage

MOST_ROWS = 400  # of a passage


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, and where its text stands in the passage."""

    start: int
    end: int
    words: frozenset[str]  # stems


def cell_named(question: str, passage: Passage, reading: Reading) -> tuple[Reading, Literal["whole", "part", "other"]]:
    """Return the reading with its place in the row that the question names, and how much of the question that says.

    whole: one row and one column are named, and nothing is asked besides that title and headings do not say, so the
    cell is the answer. part: the reading stays as it is, or moves to the named cell. other: it stands in another row
    than the one that is named, and which column is meant cannot be told.
    """
    asked = frozenset(content(question))
    for head, *rows in _tables(passage.text):
        row = _named([one[0] for one in rows], asked)
        if row is None:
            continue
        cells = rows[row]
        elsewhere = any(one[0].start <= reading.start < one[-1].end for n, one in enumerate(rows) if n != row)
        column = _column(head, asked - cells[0].words)
        if column is None or column >= len(cells) or cells[column].start >= cells[column].end:
            return reading, "other" if elsewhere else "part"
        label = frozenset(content(f"{passage.title} {passage.heading}"))
        said = cells[0].words | head[column].words | label
        if all(among(root, said) for root in topic_of(question).values()):
            return Reading(reading.score, cells[column].start, cells[column].end), "whole"
        return (Reading(reading.score, cells[column].start, cells[column].end) if elsewhere else reading), "part"
    return reading, "part"


def _named(cells: Sequence[Cell], asked: frozenset[str]) -> int | None:
    """Return the place of the one cell all of whose words are asked for; of several the one that says most."""
    named = [n for n, cell in enumerate(cells) if cell.words and all(among(root, asked) for root in cell.words)]
    most = max((len(cells[n].words) for n in named), default=0)
    longest = [n for n in named if len(cells[n].words) == most]
    return longest[0] if len(longest) == 1 else None


def _column(head: Sequence[Cell], asked: frozenset[str]) -> int | None:
    """Return the column that is named; where there are two, it is the one that is not the row's name."""
    place = _named(head[1:], asked)
    return place + 1 if place is not None else 1 if len(head) == 2 else None


def _tables(text: str) -> Iterator[list[list[Cell]]]:
    """Yield the tables of a passage: the head, and at least two rows, each with at least two cells."""
    lines: list[list[Cell]] = []
    start, ruled = 0, False
    for line in [*text.split("\n"), ""]:
        if line.startswith("|") and len(lines) < MOST_ROWS:
            if set(line) <= set("|-: "):
                ruled = ruled or len(lines) == 1
            else:
                lines.append(_cells(line, start))
        else:
            if ruled and len(lines) > 2 and min(map(len, lines)) > 1:
                yield lines
            lines, ruled = [], False
        start += len(line) + 1


def _cells(line: str, start: int) -> list[Cell]:
    cells, at = list[Cell](), start + 1
    for text in line.strip().strip("|").split("|"):
        begin = at + len(text) - len(text.lstrip())
        cells.append(Cell(begin, begin + len(text.strip()), frozenset(content(text))))
        at += len(text) + 1
    return cells
