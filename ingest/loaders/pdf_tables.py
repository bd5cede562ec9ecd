"""Tables with rules in PDF pages, found by pdfplumber; it is slow, so only pages with rules come here."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import pdfplumber
from pdfminer.pdfexceptions import PDFException
from pdfminer.psexceptions import PSException

from ingest.loaders.pdf_lines import Line
from ingest.loaders.rows import tables
from ingest.types import Block

# What the parser behind pdfplumber is known to raise on damaged pages; the page's text is kept without tables then.
_DAMAGE = (
    PDFException, PSException, ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError,
    RecursionError, ZeroDivisionError, OverflowError, NotImplementedError, struct.error, zlib.error,
)  # fmt: skip
_EDGE = 2.0  # points that text may stand out of its table


@dataclass(frozen=True, slots=True)
class Ruled:
    """A table and where it stands, in points from the lower left corner."""

    block: Block
    left: float
    right: float
    bottom: float
    top: float

    def holds(self, line: Line) -> bool:
        """Return whether a line of text is part of this table."""
        inside = self.left - _EDGE <= line.left <= self.right + _EDGE
        return inside and self.bottom - _EDGE <= line.base + line.size / 3 <= self.top + _EDGE


def ruled(file: BinaryIO, number: int) -> list[Ruled]:
    """Return the ruled tables of page `number` that have two rows and columns at least; none when it is damaged."""
    try:
        with pdfplumber.open(_buffered(file), pages=[number], unicode_norm="NFC") as document:
            page = document.pages[0]
            if page.rotation:
                return []
            found = [table for table in page.find_tables() if len(table.rows) > 1 and len(table.columns) > 1]
            return [one for table in found for one in _ruled(table, number, float(page.height))]
    except _DAMAGE:
        return []


def _buffered(file: BinaryIO) -> BytesIO:
    file.seek(0)
    return BytesIO(file.read())  # PDFium goes on reading from `file`, so its place must not be fought over


def _ruled(table: pdfplumber.table.Table, number: int, height: float) -> list[Ruled]:
    rows = [[cell or "" for cell in row] for row in table.extract()]
    left, top, right, bottom = table.bbox
    blocks = [block for block in tables(rows, page=number) if block.kind == "table"]
    anchored = [Block("table", b.text, page=number, anchor=f"page={number}", rows=b.rows) for b in blocks]
    return [Ruled(block, left, right, height - bottom, height - top) for block in anchored]
