"""XML of any kind: records as lines of "name: value", everything else as text."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from ingest.errors import DocumentRefused
from ingest.loaders import web
from ingest.loaders.xmltree import local_name, parse_with_doctype, walk
from ingest.types import Block, Loaded, Source

_HEADINGS = frozenset({"title", "article-title", "heading", "head"})
_MAX_DEPTH = 200


def load(source: Source) -> Loaded:
    """Return the text of an XML file; raises DocumentRefused (unsafe, damaged, bomb, too_large)."""
    data = source.read(source.limits.text_bytes)
    root = parse_with_doctype(data)
    if local_name(root).lower() == "html":
        return web.parse(data, source.limits.text_bytes)
    blocks = tuple(_blocks(root))
    title = next((b.text for b in blocks if b.kind == "heading"), None)
    return Loaded(title, blocks)


def _blocks(root: etree._Element) -> Iterator[Block]:
    whole: etree._Element | None = None
    depth = 0
    for event, element in walk(root):
        depth += 1 if event == "start" else -1
        if depth > _MAX_DEPTH:
            raise DocumentRefused("bomb", f"The file nests more than {_MAX_DEPTH} elements in one another.")
        if whole is not None:
            whole = None if event == "end" and element is whole else whole
        elif event == "start" and _is_leaf(element):
            whole = element
            yield from _block(element)


def _is_leaf(element: etree._Element) -> bool:
    """Return whether an element is read as a whole: it holds text of its own, or only such elements as do."""
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        return True
    return all(len(child) == 0 for child in element)


def _block(element: etree._Element) -> Iterator[Block]:
    mixed = (element.text or "").strip() or any((child.tail or "").strip() for child in element)
    if mixed or len(element) == 0:
        text = " ".join("".join(str(piece) for piece in element.itertext()).split())
        name = local_name(element).lower()
        if text:
            yield Block("heading", text, 2) if name in _HEADINGS and len(text) < 200 else Block("text", text)
        return
    lines = [
        f"{local_name(child)}: {' '.join((child.text or '').split())}"
        for child in element
        if (child.text or "").strip()
    ]
    if lines:
        yield Block("text", "\n".join(lines))
