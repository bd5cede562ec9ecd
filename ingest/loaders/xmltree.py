"""XML, parsed so that it can neither read files nor reach a network nor grow."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from ingest.errors import DocumentRefused
from ingest.inflate import check_xml

_PROLOGUE = 4096


def parse(data: bytes) -> etree._Element:
    """Return the root of an XML document, repaired where it is broken.

    Raises DocumentRefused: unsafe when it declares a document type, damaged when nothing can be read.
    """
    check_xml(data[:_PROLOGUE])
    return _root(data)


def parse_with_doctype(data: bytes) -> etree._Element:
    """Return the root like `parse`; a document type is allowed and ignored, but not the entities of its own."""
    if b"<!entity" in data.replace(b"\0", b"").lower():
        raise DocumentRefused("unsafe", "The file declares XML entities, which are not taken; save it again without.")
    return _root(data)


def local_name(element: etree._Element) -> str:
    """Return the name of `element` without its namespace; "" for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def walk(root: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """Yield ("start" or "end", element) in document order, without recursion, so that depth costs nothing."""
    for event, element in etree.iterwalk(root, events=("start", "end")):
        yield str(event), element


def _root(data: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise DocumentRefused("damaged", f"The file holds no readable XML ({exc}).") from exc
    if root is None:
        raise DocumentRefused("damaged", "The file holds no readable XML.")
    return root
