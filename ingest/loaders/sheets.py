"""Excel workbooks (.xlsx): a heading per sheet, its tables below, values as people see them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import openpyxl
from lxml import etree
from openpyxl.utils.exceptions import InvalidFileException

from ingest.errors import DocumentRefused
from ingest.inflate import check_office
from ingest.loaders.rows import tables
from ingest.types import Block, Loaded, Source

_EMPTY_ROWS = 2_000  # in a row: what follows is formatting, not content
_DAMAGE = (
    KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError,
    InvalidFileException, zipfile.BadZipFile, etree.XMLSyntaxError,
)  # fmt: skip


def load(source: Source) -> Loaded:
    """Return the sheets of a workbook; raises DocumentRefused (damaged, bomb, unsafe, encrypted, too_large)."""
    check_office(source.file, source.limits)
    try:
        workbook = openpyxl.load_workbook(source.file, read_only=True, data_only=True, keep_links=False)
        blocks: list[Block] = []
        names = [sheet.title for sheet in workbook.worksheets]
        for number, sheet in enumerate(workbook.worksheets, 1):
            sheet.reset_dimensions()  # what the file states about its size may be wrong
            found = list(tables(_rows(sheet, source.limits.text_bytes)))
            if found:
                blocks += [Block("heading", names[number - 1], 1, page=number), *found]
            source.report(number, len(names))
        stated = (workbook.properties.title or "").strip()
    except _DAMAGE as exc:
        raise DocumentRefused("damaged", f"The workbook is damaged ({exc}); open and save it again.") from exc
    return Loaded(stated or None, tuple(blocks))


def _rows(sheet: object, max_text: int) -> Iterator[list[str]]:
    empty, size = 0, 0
    for row in sheet.iter_rows():  # type: ignore[attr-defined]  # a read-only sheet, whose type is private
        cells = [shown(cell.value, getattr(cell, "number_format", "") or "") for cell in row]
        size += sum(map(len, cells))
        empty = 0 if any(cells) else empty + 1
        if size > max_text:
            raise DocumentRefused("too_large", f"A sheet holds more than {max_text // 2**20} MiB of text; split it.")
        if empty > _EMPTY_ROWS:
            return
        yield cells


def shown(value: object, number_format: str = "") -> str:
    """Return a cell's value as a person would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, float | int):
        return _number(value, number_format)
    return str(value)


def _number(value: float, number_format: str) -> str:
    if "%" in number_format:
        return f"{value * 100:.10g}%"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
