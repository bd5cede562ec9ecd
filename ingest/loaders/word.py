"""Word documents (.docx): headings, lists, tables, text boxes, notes and comments, in reading order."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from docx.opc.exceptions import OpcError
from docx.opc.package import OpcPackage
from docx.opc.part import Part
from lxml import etree

from ingest.errors import DocumentRefused
from ingest.inflate import check_office
from ingest.loaders import web
from ingest.loaders.rows import tables
from ingest.loaders.xmltree import local_name, parse, walk
from ingest.types import Block, Loaded, Source

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_R_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_NOTES = {"footnotes": "Footnotes", "endnotes": "Endnotes", "comments": "Comments"}
_NO_TITLES = frozenset({"", "Word Document"})  # the second is what python-docx makes up
_MAX_DEPTH = 100  # nested elements of a paragraph or tables in tables
_SKIPPED = frozenset({"Fallback", "del", "instrText", "delText", "rPr", "pPr", "sectPr", "moveFrom"})
_CONTAINERS = frozenset({"sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag", "body"})


def load(source: Source) -> Loaded:
    """Return what a Word document holds; raises DocumentRefused (damaged, bomb, unsafe, encrypted)."""
    check_office(source.file, source.limits)
    try:
        package = OpcPackage.open(source.file)  # docx.Document would refuse templates and files with macros
        part = package.main_document_part
        root = parse(part.blob)
        stated = package.core_properties.title
    except (OpcError, KeyError, ValueError, AttributeError, etree.XMLSyntaxError, zipfile.BadZipFile) as exc:
        raise DocumentRefused("damaged", f"The Word document is damaged ({exc}); open and save it again.") from exc
    reader = _Reader(part, _levels(part), source.limits.text_bytes)
    body = list(reader.body(root))
    blocks = (*reader.headers(), *body, *reader.notes())
    return Loaded(_title(body, reader.title, stated), blocks)


def _title(blocks: list[Block], styled: str, stated: str) -> str | None:
    if styled:
        return styled
    first = next((block for block in blocks[:3] if block.kind == "heading"), None)
    if first is not None and first.level == 1:
        return first.text
    return stated.strip() if stated.strip() not in _NO_TITLES else None


def _levels(part: Part) -> dict[str, int]:
    """Return the heading level of each paragraph style that is one, also by inheritance; 0 is the title's."""
    root = next((parse(p.blob) for p in _related(part, "styles")), None)
    if root is None:
        return {}
    found: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in root.iter(f"{_W}style"):
        identifier = str(style.get(f"{_W}styleId"))
        name = _value(style.find(f"{_W}name"))
        outline = style.find(f"{_W}pPr/{_W}outlineLvl")
        heading = _HEADING.fullmatch(name)
        if heading or name.lower() == "title":
            found[identifier] = int(heading[1]) if heading else 0
        elif outline is not None and _value(outline).isdecimal() and int(_value(outline)) < 9:
            found[identifier] = int(_value(outline)) + 1
        based[identifier] = _value(style.find(f"{_W}basedOn"))
    for identifier in based:
        ancestor, steps = identifier, 0
        while ancestor and ancestor not in found and steps < 20:
            ancestor, steps = based.get(ancestor, ""), steps + 1
        if ancestor in found:
            found[identifier] = found[ancestor]
    return found


def _related(part: Part, kind: str) -> list[Part]:
    rels = part.rels.values()
    return [rel.target_part for rel in rels if not rel.is_external and rel.reltype.endswith("/" + kind)]


def _value(element: etree._Element | None) -> str:
    return str(element.get(f"{_W}val") or "") if element is not None else ""


@dataclass
class _Reader:
    part: Part
    levels: dict[str, int]
    max_text: int
    title: str = ""
    _depth: int = 0
    _boxes: list[etree._Element] = field(default_factory=list)  # text boxes met inside a paragraph

    def body(self, root: etree._Element) -> Iterator[Block]:
        for element in root:
            name = local_name(element)
            if name in _CONTAINERS:
                yield from self._deeper(element)
            elif name == "p":
                yield from self._paragraph(element)
            elif name == "tbl":
                yield from tables(self._rows(element))
            elif name == "altChunk":
                yield from self._foreign(element)

    def headers(self) -> Iterator[Block]:
        """Yield what stands above and below the pages, once for all pages."""
        seen: set[str] = set()
        for kind in ("header", "footer"):
            for part in _related(self.part, kind):
                for block in self.body(parse(part.blob)):
                    if block.text not in seen and block.kind in ("text", "heading"):
                        seen.add(block.text)
                        yield Block("text", block.text)

    def notes(self) -> Iterator[Block]:
        for kind, heading in _NOTES.items():
            found = [
                block for part in _related(self.part, kind) for note in parse(part.blob) for block in self.body(note)
            ]
            if found:
                yield Block("heading", heading, 1)
                yield from found

    def _deeper(self, element: etree._Element) -> Iterator[Block]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise DocumentRefused("bomb", f"The document nests more than {_MAX_DEPTH} parts in one another.")
        yield from self.body(element)
        self._depth -= 1

    def _paragraph(self, element: etree._Element) -> Iterator[Block]:
        text = self.text(element).strip()
        if text:
            yield self._block(element, text)
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            yield from self._deeper(box)

    def _block(self, element: etree._Element, text: str) -> Block:
        style = _value(element.find(f"{_W}pPr/{_W}pStyle"))
        outline = _value(element.find(f"{_W}pPr/{_W}outlineLvl"))
        level = int(outline) + 1 if outline.isdecimal() and int(outline) < 9 else self.levels.get(style)
        if level is not None and len(text) <= 300:
            if level == 0 and not self.title:
                self.title = text
            return Block("heading", text.replace("\n", " "), max(1, min(level, 6)))
        number = element.find(f"{_W}pPr/{_W}numPr")
        if number is None and "list" not in style.lower():
            return Block("text", text)
        depth = _value(number.find(f"{_W}ilvl")) if number is not None else ""
        return Block("text", "  " * (int(depth) if depth.isdecimal() and len(depth) < 2 else 0) + "- " + text)

    def text(self, paragraph: etree._Element) -> str:
        """Return what a reader sees of a paragraph; text boxes inside it are put aside."""
        pieces: list[str] = []
        skipped: etree._Element | None = None
        for event, element in walk(paragraph):
            name = local_name(element)
            if skipped is not None:
                skipped = None if event == "end" and element is skipped else skipped
            elif event == "start" and (name in _SKIPPED or name == "txbxContent" or _vanishes(element, name)):
                skipped = element
                self._boxes += [element] if name == "txbxContent" else []
            elif event == "start":
                pieces.append(_shown(element, name))
        return "".join(pieces)

    def _rows(self, table: etree._Element) -> Iterator[list[str]]:
        above: list[str] = []
        for row in _children(table, "tr"):
            cells: list[str] = []
            for cell in _children(row, "tc"):
                properties = cell.find(f"{_W}tcPr")
                span = _value(properties.find(f"{_W}gridSpan")) if properties is not None else ""
                merge = properties.find(f"{_W}vMerge") if properties is not None else None
                continued = merge is not None and _value(merge) != "restart" and len(cells) < len(above)
                text = above[len(cells)] if continued else self._cell(cell)
                cells.extend([text, *[""] * (min(int(span), 50) - 1 if span.isdecimal() and len(span) < 5 else 0)])
            above = cells
            yield cells

    def _cell(self, cell: etree._Element) -> str:
        parts: list[str] = []
        for block in self._deeper(cell):
            parts += [block.text] if block.text else []
            parts += [" ".join(filter(None, row)) for row in block.rows]
        return " ".join(parts)

    def _foreign(self, element: etree._Element) -> Iterator[Block]:
        """Yield what another document, stored inside this one as HTML, holds."""
        relation = self.part.rels.get(str(element.get(_R_ID)))
        if relation is not None and not relation.is_external and "html" in relation.target_part.content_type:
            yield from web.parse(relation.target_part.blob, self.max_text).blocks


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the children called `name`, also those inside content controls and the like."""
    for child in element:
        if local_name(child) == name:
            yield child
        elif local_name(child) in _CONTAINERS:
            yield from (inner for inner in child.iter(f"{_W}{name}") if _owner(inner, element, name))


def _owner(inner: etree._Element, element: etree._Element, name: str) -> bool:
    """Return whether no other row or cell lies between `inner` and `element`."""
    for above in inner.iterancestors():
        if above is element:
            return True
        if local_name(above) in (name, "tbl", "tc"):
            return False
    return False


def _vanishes(element: etree._Element, name: str) -> bool:
    """Return whether a run is formatted as hidden."""
    if name != "r":
        return False
    hidden = element.find(f"{_W}rPr/{_W}vanish")
    return hidden is not None and _value(hidden) not in ("0", "false")


def _shown(element: etree._Element, name: str) -> str:
    if name == "t":
        return element.text or ""
    if name in ("br", "cr"):
        return "\n"
    if name == "sym":
        return "☒" if str(element.get(f"{_W}char")).upper() in ("F052", "F0FE") else ""
    return {"tab": " ", "noBreakHyphen": "-", "ptab": " "}.get(name, "")
