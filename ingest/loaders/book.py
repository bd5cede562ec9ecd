"""Electronic books (.epub): their chapters in reading order, each read like a web page."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from lxml import etree

from ingest.errors import DocumentRefused
from ingest.inflate import Meter, check_office, opened
from ingest.loaders import web
from ingest.loaders.xmltree import local_name, parse_with_doctype
from ingest.types import Block, Loaded, Source

_CONTAINER = "META-INF/container.xml"
_PAGES = ("application/xhtml+xml", "text/html")


def load(source: Source) -> Loaded:
    """Return the chapters of a book; raises DocumentRefused (damaged, bomb, unsafe, encrypted)."""
    check_office(source.file, source.limits)
    meter = Meter(source.limits, source.file.seek(0, 2))
    blocks: list[Block] = []
    with opened(source.file, meter, source.limits) as archive:
        names = set(archive.namelist())
        package_path = _package_path(archive.read(_CONTAINER)) if _CONTAINER in names else None
        if package_path not in names:
            raise DocumentRefused("damaged", "The book has no list of its contents; save it again as EPUB.")
        package = parse_with_doctype(archive.read(package_path))
        chapters = [name for name in _chapters(package, posixpath.dirname(package_path)) if name in names]
        for number, name in enumerate(chapters, 1):
            blocks.extend(_chapter(archive.read(name), source))
            source.report(number, len(chapters))
    if "META-INF/rights.xml" in names and not blocks:
        raise DocumentRefused("encrypted", "The book is protected against copying, so it cannot be read.")
    return Loaded(_title(package), tuple(blocks))


def _chapter(data: bytes, source: Source) -> tuple[Block, ...]:
    try:
        return web.parse(data, source.limits.text_bytes).blocks
    except DocumentRefused as refused:
        if refused.code == "empty":  # a cover that is only a picture
            return ()
        raise


def _package_path(container: bytes) -> str | None:
    roots = [e for e in parse_with_doctype(container).iter() if local_name(e) == "rootfile"]
    return str(roots[0].get("full-path")) if roots else None


def _chapters(package: etree._Element, folder: str) -> list[str]:
    items = {str(e.get("id")): e for e in package.iter() if local_name(e) == "item"}
    order = [str(e.get("idref")) for e in package.iter() if local_name(e) == "itemref"]
    pages = [items[key] for key in order if key in items and items[key].get("media-type") in _PAGES]
    return [posixpath.normpath(posixpath.join(folder, unquote(str(page.get("href"))))) for page in pages]


def _title(package: etree._Element) -> str | None:
    titles = [e.text.strip() for e in package.iter() if local_name(e) == "title" and e.text and e.text.strip()]
    return titles[0] if titles else None
