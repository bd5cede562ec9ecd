"""OpenDocument texts, sheets and presentations (.odt, .ods, .odp), read from their XML."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from ingest.errors import DocumentRefused
from ingest.inflate import Meter, check_office, opened
from ingest.loaders.rows import tables
from ingest.loaders.xmltree import local_name, parse, walk
from ingest.types import Block, Loaded, Source

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_SKIPPED = frozenset({"annotation", "tracked-changes", "note-citation", "tracked-deletion"})
_MAX_REPEAT = 100  # cells or rows that a sheet writes down once; more is empty space to its edge


def load(source: Source) -> Loaded:
    """Return what an OpenDocument file holds; raises DocumentRefused (damaged, bomb, unsafe, encrypted)."""
    check_office(source.file, source.limits)
    meter = Meter(source.limits, source.file.seek(0, 2))
    with opened(source.file, meter, source.limits) as archive:
        names = set(archive.namelist())
        if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise DocumentRefused("encrypted", "The file is protected by a password; remove the password first.")
        if "content.xml" not in names:
            raise DocumentRefused("damaged", "The OpenDocument file has no content; open and save it again.")
        content = parse(archive.read("content.xml"))
        meta = parse(archive.read("meta.xml")) if "meta.xml" in names else None
    blocks = tuple(_blocks(content))
    return Loaded(_title(meta, content), blocks)


def _title(meta: etree._Element | None, content: etree._Element) -> str | None:
    stated = meta.findtext(".//{http://purl.org/dc/elements/1.1/}title") if meta is not None else None
    if stated and stated.strip():
        return stated.strip()
    styled = next((p for p in content.iter(f"{_TEXT}p") if p.get(f"{_TEXT}style-name") == "Title"), None)
    return (_text(styled).strip() or None) if styled is not None else None


def _blocks(root: etree._Element) -> Iterator[Block]:
    whole: etree._Element | None = None  # an element that was read with all it holds
    page: int | None = None
    lists = 0
    for event, element in walk(root):
        name = local_name(element)
        if whole is not None:
            whole = None if event == "end" and element is whole else whole
            continue
        if name == "list":
            lists += 1 if event == "start" else -1
        if event == "end":
            continue
        if element.tag == f"{_DRAW}page":
            page = (page or 0) + 1
            yield Block("heading", str(element.get(f"{_DRAW}name") or f"Slide {page}"), 1, page=page)
        elif element.tag == f"{_TABLE}table":
            whole = element
            yield from _table(element, page)
        elif name in ("h", "p") and element.tag.startswith(_TEXT):
            whole = element
            yield from _paragraph(element, name, lists, page)
        elif name in _SKIPPED:
            whole = element


def _paragraph(element: etree._Element, name: str, lists: int, page: int | None) -> Iterator[Block]:
    text = _text(element).strip()
    if not text:
        return
    if name == "h":
        level = str(element.get(f"{_TEXT}outline-level") or "1")
        yield Block("heading", text, min(int(level), 6) if level.isdecimal() else 1, page=page)
    else:
        yield Block("text", "  " * (lists - 1) + "- " + text if lists else text, page=page)


def _text(element: etree._Element) -> str:
    pieces: list[str] = []
    skipped: etree._Element | None = None
    for event, part in walk(element):
        name = local_name(part)
        if skipped is None and event == "start":
            skipped = part if name in _SKIPPED else None
            pieces.append(_opening(part, name) if skipped is None else "")
        elif event == "end" and part is skipped:
            skipped = None
        if event == "end" and skipped is None and part is not element:
            pieces.append((" " if name in ("p", "h") else "") + (part.tail or ""))
    return "".join(pieces)


def _opening(part: etree._Element, name: str) -> str:
    if name == "s":
        count = str(part.get(f"{_TEXT}c") or "1")
        return " " * (min(int(count), 50) if count.isdecimal() else 1)
    return {"tab": " ", "line-break": "\n"}.get(name, part.text or "")


def _table(table: etree._Element, page: int | None) -> Iterator[Block]:
    name = str(table.get(f"{_TABLE}name") or "")
    parent = table.getparent()
    is_sheet = parent is not None and local_name(parent) == "spreadsheet"
    found = list(tables(_rows(table), page=page))
    if found and is_sheet and name:
        yield Block("heading", name, 1, page=page)
    yield from found


def _rows(table: etree._Element) -> Iterator[list[str]]:
    for row in table.iter(f"{_TABLE}table-row"):
        cells: list[str] = []
        for cell in row:
            if local_name(cell) in ("table-cell", "covered-table-cell"):
                text = " ".join(_text(p) for p in cell.iter(f"{_TEXT}p"))
                cells += [text] * _repeat(cell, "number-columns-repeated")
        for _ in range(_repeat(row, "number-rows-repeated") if any(cells) else 1):
            yield cells


def _repeat(element: etree._Element, name: str) -> int:
    value = str(element.get(f"{_TABLE}{name}") or "1")
    return int(value) if value.isdecimal() and len(value) < 7 and int(value) <= _MAX_REPEAT else 1
