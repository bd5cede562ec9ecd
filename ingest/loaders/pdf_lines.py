"""The lines of a PDF page with what sets them apart: size, weight and place. Only here PDFium's C API is called."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
from math import hypot

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # it ships no types

from ingest.clean import visible

_BOLD_WEIGHT = 600
_SOFT_BREAK = ("\x02", "\ufffe")  # how PDFium marks a word that goes on in the next line
_MIN_RULE = 15.0  # points: shorter strokes are ornaments
_THIN = 2.5  # points: flatter boxes are rules
_COMMENT_TYPES = (pdfium.FPDF_ANNOT_TEXT, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_HIGHLIGHT)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text on a page; lengths are points, from the lower left corner."""

    text: str
    page: int  # 1-based
    size: float  # font size of its first character
    bold: bool
    left: float
    base: float  # height of the base line
    last_base: float  # the same at its end, because PDFium writes some lines in one
    goes_on: bool = False  # its last word is finished in the next line
    turned: bool = False  # written upwards or downwards


def lines(page: pypdfium2.PdfPage, number: int) -> list[Line]:
    """Return the lines of a page in the order in which they were written."""
    text_page = page.get_textpage()
    try:
        text = text_page.get_text_range()
        found: list[Line] = []
        place = 0
        for raw in text.split("\n"):
            line = _line(text_page, raw, place, number)
            if line is not None and found and _same_row(found[-1], line):
                found[-1] = replace(
                    found[-1], text=f"{found[-1].text} {line.text}", goes_on=line.goes_on, last_base=line.last_base
                )
            elif line is not None:
                found.append(line)
            place += len(raw) + 1
        return found
    finally:
        text_page.close()


def has_pictures(page: pypdfium2.PdfPage) -> bool:
    """Return whether the page shows a picture, also inside a form."""
    return next(iter(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3)), None) is not None


def has_rules(page: pypdfium2.PdfPage) -> bool:
    """Return whether the page has enough horizontal and vertical rules for a ruled table."""
    rows: set[int] = set()
    columns: set[int] = set()
    for number, shape in enumerate(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=2)):
        left, bottom, right, top = shape.get_bounds()
        width, height = right - left, top - bottom
        if height <= _THIN < _MIN_RULE <= width or (width >= _MIN_RULE and _THIN < height < 100):
            rows.add(round(top))
        if width <= _THIN and height >= 5 or (width >= _MIN_RULE and _THIN < height < 100):
            columns.add(round(left))
        if len(rows) >= 3 and len(columns) >= 2:
            return True
        if number > 2_000:  # a drawing
            return False
    return False


def comments(page: pypdfium2.PdfPage) -> list[str]:
    """Return what people wrote into the margins of the page."""
    found: list[str] = []
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), 1_000)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            if pdfium.FPDFAnnot_GetSubtype(annotation) in _COMMENT_TYPES:
                found.append(_string(annotation, b"Contents").strip())
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return [text for text in found if text]


def flatten(document: pypdfium2.PdfDocument, index: int) -> pypdfium2.PdfPage:
    """Return the page with what was filled into its form fields made part of its text."""
    page = document[index]
    if pdfium.FPDFPage_GetAnnotCount(page) == 0:
        return page
    done = pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY) == pdfium.FLATTEN_SUCCESS
    if not done:
        return page
    page.close()
    return document[index]


def _same_row(before: Line, line: Line) -> bool:
    """Return whether two pieces stand side by side, as the cells of a table without rules do."""
    near = abs(before.last_base - line.base) < 0.3 * min(before.size, line.size)
    return near and before.left < line.left and not before.goes_on and before.bold == line.bold


def _line(text_page: pypdfium2.PdfTextPage, raw: str, place: int, number: int) -> Line | None:
    text = raw.rstrip("\r")
    goes_on = text.rstrip().endswith(_SOFT_BREAK)
    text = visible(text).strip()
    if not text:
        return None
    first = place + len(raw) - len(raw.lstrip())
    index = pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, first)
    left, base = ctypes.c_double(), ctypes.c_double()
    matrix = pdfium.FS_MATRIX()
    if (
        index < 0
        or not pdfium.FPDFText_GetCharOrigin(text_page, index, ctypes.byref(left), ctypes.byref(base))
        or not pdfium.FPDFText_GetMatrix(text_page, index, ctypes.byref(matrix))
    ):
        return Line(text, number, 0.0, False, 0.0, 0.0, 0.0, goes_on)
    size = pdfium.FPDFText_GetFontSize(text_page, index) * hypot(matrix.c, matrix.d)
    bold = pdfium.FPDFText_GetFontWeight(text_page, index) >= _BOLD_WEIGHT or "bold" in _font(text_page, index)
    last_base = _base_at_end(text_page, place + len(raw.rstrip()) - 1, base.value)
    turned = abs(matrix.b) > abs(matrix.a)
    return Line(text, number, round(max(size, 0.1), 1), bold, left.value, base.value, last_base, goes_on, turned)


def _base_at_end(text_page: pypdfium2.PdfTextPage, last: int, fallback: float) -> float:
    left, base = ctypes.c_double(), ctypes.c_double()
    index = pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, last)
    found = index >= 0 and pdfium.FPDFText_GetCharOrigin(text_page, index, ctypes.byref(left), ctypes.byref(base))
    return float(base.value) if found else fallback


def _font(text_page: pypdfium2.PdfTextPage, index: int) -> str:
    buffer = ctypes.create_string_buffer(200)
    pdfium.FPDFText_GetFontInfo(text_page, index, buffer, 200, None)
    return buffer.value.decode("latin-1").lower()


def _string(annotation: object, key: bytes) -> str:
    length = pdfium.FPDFAnnot_GetStringValue(annotation, key, None, 0)
    if not 2 < length < 1_000_000:
        return ""
    buffer = (ctypes.c_ushort * (length // 2))()
    pdfium.FPDFAnnot_GetStringValue(annotation, key, buffer, length)
    return bytes(buffer).decode("utf-16-le", "replace").rstrip("\0")
