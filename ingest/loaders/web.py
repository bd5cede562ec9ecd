"""HTML and XHTML: headings with their anchors, text, lists and tables; without navigation and hidden parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

from lxml import etree, html

from ingest.encoding import decode
from ingest.errors import DocumentRefused
from ingest.loaders.boilerplate import main_part, prune
from ingest.loaders.grid import caption, grid, is_data
from ingest.loaders.rows import tables
from ingest.loaders.xmltree import local_name, walk
from ingest.types import Block, Loaded, Source

_CHARSET = re.compile(rb"""(?:<meta[^>]+charset\s*=\s*|<\?xml[^>]+encoding\s*=\s*)["']?([\w-]+)""", re.IGNORECASE)
_ENTITY = re.compile(rb"<!entity", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_BREAK = "\x1e"  # stands for <br> until the white space of the source is gone
_LEVELS = {f"h{n}": n for n in range(1, 7)}
_BLOCK_NAMES = (
    "p div section article main header footer aside ul ol li dl dt dd blockquote figure figcaption address fieldset "
    "form body html center summary details caption tr legend hr pre h1 h2 h3 h4 h5 h6"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_MAX_DEPTH = 200  # nested elements; browsers stop at 512


def load(source: Source) -> Loaded:
    """Return what a web page holds; raises DocumentRefused (damaged, unsafe, too_large, empty, bomb)."""
    return parse(source.read(source.limits.text_bytes), source.limits.text_bytes)


def parse(data: bytes, max_bytes: int) -> Loaded:
    """Return what the HTML in `data` holds; raises like `load`."""
    if len(data) > max_bytes:
        raise DocumentRefused("too_large", f"The page has more than {max_bytes // 2**20} MiB; save it in parts.")
    if _ENTITY.search(data):
        raise DocumentRefused("unsafe", "The file declares XML entities, which are not taken; save it again without.")
    stated = _CHARSET.search(data[:4096])
    text = decode(data, stated[1].decode("ascii") if stated else None)
    root = _tree(text)
    prune(root)
    blocks = tuple(_Reader().blocks(main_part(root)))
    return Loaded(_title(text, blocks), blocks)


def _tree(text: str) -> etree._Element:
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root: etree._Element = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as exc:
        raise DocumentRefused("empty", "The page holds no text.") from exc
    return root


@dataclass
class _Reader:
    """Collects the text between the borders of blocks."""

    _words: list[str] = field(default_factory=list)
    _level: int = 0  # of the heading that we are in, else 0
    _anchor: str = ""
    _pre: int = 0
    _lists: int = 0
    _item: bool = False  # the next text opens a list item
    _whole: etree._Element | None = None  # the table that was read as a whole and is being walked over

    def blocks(self, root: etree._Element) -> Iterator[Block]:
        depth = 0
        for event, element in walk(root):
            depth += 1 if event == "start" else -1
            if depth > _MAX_DEPTH:
                raise DocumentRefused("bomb", f"The page nests more than {_MAX_DEPTH} elements in one another.")
            if self._whole is None:
                yield from self._start(element) if event == "start" else self._end(element)
            elif element is self._whole and event == "end":
                self._whole = None
            if event == "end" and self._whole is None and element is not root:
                self._say(element.tail)
        yield from self._flush()

    def _say(self, text: str | None) -> None:
        if text:
            self._words.append(text if self._pre else _SPACE.sub(" ", text))

    def _start(self, element: etree._Element) -> Iterator[Block]:
        name = local_name(element)
        if name == "table" and is_data(element):
            yield from self._flush()
            yield from tables(grid(element), caption=caption(element))
            self._whole = element
            return
        if name in _BLOCKS:
            yield from self._flush()
        self._level = _LEVELS.get(name, self._level)
        if self._level and not self._anchor:
            self._anchor = element.get("id") or element.get("name") or ""
        self._pre += name == "pre"
        self._lists += name in ("ul", "ol")
        self._item = self._item or name == "li"
        if name == "br":
            self._words.append("\n" if self._pre else _BREAK)
        self._say(element.text)

    def _end(self, element: etree._Element) -> Iterator[Block]:
        name = local_name(element)
        if name in _BLOCKS:
            yield from self._flush()
        if name in _LEVELS:
            self._level, self._anchor = 0, ""
        self._pre -= name == "pre"
        self._lists -= name in ("ul", "ol")
        if name in ("td", "th"):
            self._words.append(" ")

    def _flush(self) -> Iterator[Block]:
        raw = "".join(self._words)
        self._words.clear()
        if not raw.replace(_BREAK, "").strip():
            return
        if self._pre:
            yield Block("code", raw.strip("\n"))
            return
        lines = (_SPACE.sub(" ", line).strip() for line in raw.split(_BREAK))
        text = "\n".join(line for line in lines if line)
        if self._level:
            yield Block("heading", text.replace("\n", " "), self._level, anchor=self._anchor)
            return
        bullet = "  " * (self._lists - 1) + "- " if self._item and self._lists else ""
        self._item = False
        yield Block("text", bullet + text)


def _title(text: str, blocks: tuple[Block, ...]) -> str | None:
    """Return the page's own name: its only top heading when the title repeats that with the site's name around it."""
    found = _TITLE.search(text[:200_000])
    stated = _SPACE.sub(" ", unescape(found[1])).strip() if found else ""
    tops = [block.text for block in blocks if block.kind == "heading" and block.level == 1]
    if len(tops) == 1 and (not stated or tops[0].lower() in stated.lower()):
        return tops[0]
    return stated or None
