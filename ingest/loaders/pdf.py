"""PDF: text with pages and headings, ruled tables, form fields, comments; scanned pages through text recognition."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pypdfium2  # type: ignore[import-untyped]  # it ships no types

from ingest.errors import DocumentRefused
from ingest.loaders import pdf_layout, pdf_lines, pdf_tables
from ingest.loaders.pdf_lines import Line
from ingest.loaders.pdf_tables import Ruled
from ingest.types import Block, Loaded, Source

_FEW_CHARACTERS = 16  # a page with a picture and less text than this is a scan
_TABLE_SECONDS = 15.0  # processor seconds for the tables of one document; the rest stays text
_DOTS_PER_INCH = 200
_SCAN_PIXELS = 8_000_000
_FILE_ENDING = re.compile(r"\.\w{2,5}$")
_MEANINGLESS_TITLE = re.compile(
    r"microsoft (?:word|excel|powerpoint) - .*|untitled.*|document\d*|slide ?\d*|title|[\W\d_]*|print.*|scan.*"
    r"|.*\.(?:docx?|pptx?|xlsx?|indd|qxd)|powerpoint presentation|presentation\d*|book\d*|layout \d+",
    re.IGNORECASE,
)


def load(source: Source) -> Loaded:
    """Return what a PDF file holds; raises DocumentRefused (damaged, encrypted, too_large, empty)."""
    document = _opened(source)
    try:
        count = len(document)
        if count > source.limits.pages:
            raise DocumentRefused("too_large", f"It has {count} pages; at most {source.limits.pages} are taken.")
        document.init_forms()
        reader = _Reader(source, document)
        blocks = tuple(reader.blocks(count))
        return Loaded(_title(document, blocks), blocks)
    except pypdfium2.PdfiumError as exc:
        raise DocumentRefused(
            "damaged", f"The PDF file is damaged ({exc}); open it and print it to a new PDF."
        ) from exc
    finally:
        document.close()


def _opened(source: Source) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(source.file)
    except pypdfium2.PdfiumError as exc:
        if "password" in str(exc).lower() or "security" in str(exc).lower():
            raise DocumentRefused(
                "encrypted", "The PDF is protected by a password; remove the password first."
            ) from exc
        raise DocumentRefused(
            "damaged", f"The PDF file is damaged ({exc}); open it and print it to a new PDF."
        ) from exc


class _Reader:
    def __init__(self, source: Source, document: pypdfium2.PdfDocument) -> None:
        self._source = source
        self._document = document
        self._lines: list[list[Line]] = []
        self._ruled: dict[int, list[Ruled]] = {}  # page -> its tables
        self._scanned: dict[int, list[str]] = {}  # page -> recognised lines
        self._comments: dict[int, list[str]] = {}
        self._tables_until = time.process_time() + _TABLE_SECONDS

    def blocks(self, count: int) -> Iterator[Block]:
        scans = [number for number in range(1, count + 1) if self._read(number, count)]
        for done, number in enumerate(scans, 1):
            self._scanned[number] = self._recognise(number)
            self._source.report(done, len(scans))
        kept = pdf_layout.without_furniture(self._lines)
        flowing = [line for page in kept for line in page if not self._in_table(line)]
        by_page: dict[int, list[Block]] = {}
        for block in pdf_layout.blocks(flowing):
            by_page.setdefault(block.page or 1, []).append(block)
        for number in range(1, count + 1):
            yield from by_page.get(number, [])
            yield from (table.block for table in self._ruled.get(number, []))
            anchor = f"page={number}"
            yield from (Block("text", text, page=number, anchor=anchor) for text in self._scanned.get(number, []))
            for text in self._comments.get(number, []):
                yield Block("text", f"Comment: {text}", page=number, anchor=anchor)

    def _read(self, number: int, count: int) -> bool:
        """Read one page; return whether it is a scan."""
        page = pdf_lines.flatten(self._document, number - 1)
        try:
            found = pdf_lines.lines(page, number)
            self._lines.append(found)
            self._comments[number] = pdf_lines.comments(page)
            if time.process_time() < self._tables_until and pdf_lines.has_rules(page):
                self._ruled[number] = pdf_tables.ruled(self._source.file, number)
            scan = sum(len(line.text) for line in found) < _FEW_CHARACTERS and pdf_lines.has_pictures(page)
        finally:
            page.close()
        if not scan:
            self._source.report(number, count)
        return scan

    def _in_table(self, line: Line) -> bool:
        return any(table.holds(line) for table in self._ruled.get(line.page, []))

    def _recognise(self, number: int) -> list[str]:
        page = self._document[number - 1]
        try:
            width, height = page.get_size()
            scale = min(_DOTS_PER_INCH / 72, (_SCAN_PIXELS / max(1.0, width * height)) ** 0.5)
            picture = page.render(scale=scale).to_numpy()
            return self._source.recognise(picture)
        finally:
            page.close()


def _title(document: pypdfium2.PdfDocument, blocks: tuple[Block, ...]) -> str | None:
    """Return the title from the file's properties when its text also names it, or it reads like one."""
    stated = " ".join(document.get_metadata_value("Title").replace("\0", "").split())
    if not 4 <= len(stated) <= 150 or _MEANINGLESS_TITLE.fullmatch(stated) or _FILE_ENDING.search(stated):
        return None
    opening = " ".join(block.text for block in blocks[:6]).lower()
    return stated if " " in stated or stated.lower() in opening else None
