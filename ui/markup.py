"""Answers from Markdown to a tree of known nodes.

The browser never sees Markdown or HTML of an answer: it gets this tree and builds elements with `textContent`
(components/answer.js). What is not in the tree cannot be shown, so there is nothing to sanitise: raw HTML is text,
an image is a note that names its host, a link has http, https or mailto and shows where it leads.
The same function serves an answer while it streams and the same answer from history.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TypedDict
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

# Far above any answer of the API; keeps a runaway text from stopping the page.
MAX_CHARS = 60_000
_CITATION = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_BLOCKS = {
    "paragraph": "p",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "blockquote": "quote",
    "hr": "hr",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
}
_SPANS = {"em": "em", "strong": "strong", "s": "s"}


class Node(TypedDict, total=False):
    """One element of the tree. `kind` says which of the other fields are set."""

    kind: str  # p h ul ol li quote hr table thead tbody tr th td code | text em strong s mono br link image cite
    children: list[Node]
    text: str  # of text, code, mono; the alternative text of an image
    level: int  # of a heading, 1..6; of an ordered list, its first number
    href: str  # of a link or an image that was not loaded
    host: str  # where href leads, as a person should read it
    n: int  # of a citation


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    parser.enable(["table", "strikethrough"])
    # "reference": otherwise `[1]: https://elsewhere` in an answer would turn its citation [1] into a foreign link.
    return parser.disable(["reference", "html_block", "html_inline"])


_PARSER = _parser()


def parse(text: str, citations: frozenset[int] | None) -> list[Node]:
    """Return the blocks of `text` in order.

    `citations` are the numbers that become chips; None while they are not known yet (a stream), when every
    bracketed number does. Numbers outside `citations` stay text. At most the first 60,000 characters are read.
    An answer that is JSON as a whole, as a schema asks for it, is one block of code.
    """
    if data := _json(text[:MAX_CHARS]):
        return [{"kind": "code", "text": data}]
    root = SyntaxTreeNode(_PARSER.parse(text[:MAX_CHARS]))
    return [block for child in root.children for block in _block(child, citations)]


def _json(text: str) -> str:
    """Return the object or the list of objects that `text` is, a line for each value; "" where it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return ""
    try:
        data = json.loads(text)
        each = data if isinstance(data, list) else [data]
        objects = bool(each) and all(isinstance(one, dict) for one in each)
        return json.dumps(data, indent=2, ensure_ascii=False) if objects else ""
    except (ValueError, RecursionError):
        return ""


def safe_link(href: str) -> tuple[str, str] | None:
    """Return (address, host to show) for a link that may be followed on a click; None for anything else."""
    try:
        parts = urlsplit(href.strip())
        host = parts.hostname or ""
        shown = host.encode("idna").decode("ascii") if host else ""  # аpple.com must not look like apple.com
    except ValueError:  # covers UnicodeError of idna too
        return None
    if parts.scheme in ("http", "https") and shown:
        return href.strip(), shown
    if parts.scheme == "mailto" and parts.path:
        return href.strip(), parts.path
    return None


def _block(node: SyntaxTreeNode, citations: frozenset[int] | None) -> Iterator[Node]:
    if node.type == "inline":
        for child in node.children:
            yield from _inline(child, citations)
    elif node.type == "heading":
        yield {"kind": "h", "level": int(node.tag[1:]), "children": _children(node, citations)}
    elif node.type in ("fence", "code_block"):
        yield {"kind": "code", "text": node.content}
    elif node.type == "ordered_list":
        yield {"kind": "ol", "level": int(node.attrs.get("start", 1)), "children": _children(node, citations)}
    elif node.type in _BLOCKS:
        yield {"kind": _BLOCKS[node.type], "children": _children(node, citations)}
    else:
        yield {"kind": "p", "children": [{"kind": "text", "text": node.content}]}


def _children(node: SyntaxTreeNode, citations: frozenset[int] | None) -> list[Node]:
    return [inner for child in node.children for inner in _block(child, citations)]


def _inline(node: SyntaxTreeNode, citations: frozenset[int] | None) -> Iterator[Node]:
    if node.type == "text":
        yield from _with_citations(node.content, citations)
    elif node.type in _SPANS:
        yield {"kind": _SPANS[node.type], "children": _spans(node, citations)}
    elif node.type == "code_inline":
        yield {"kind": "mono", "text": node.content}
    elif node.type == "hardbreak":
        yield {"kind": "br"}
    elif node.type == "softbreak":
        yield {"kind": "text", "text": "\n"}
    elif node.type == "link":
        yield from _link(node, citations)
    elif node.type == "image":
        yield _image(node)
    else:
        yield {"kind": "text", "text": node.content}


def _spans(node: SyntaxTreeNode, citations: frozenset[int] | None) -> list[Node]:
    return [inner for child in node.children for inner in _inline(child, citations)]


def _link(node: SyntaxTreeNode, citations: frozenset[int] | None) -> Iterator[Node]:
    target = safe_link(str(node.attrs.get("href", "")))
    inner = _spans(node, frozenset())  # no chip inside a link: one click, one meaning
    if target is None:
        yield from inner
    else:
        yield {"kind": "link", "href": target[0], "host": target[1], "children": inner}


def _image(node: SyntaxTreeNode) -> Node:
    target = safe_link(str(node.attrs.get("src", "")))
    image: Node = {"kind": "image", "text": node.content}
    if target is not None:
        image["href"], image["host"] = target
    return image


def _with_citations(text: str, citations: frozenset[int] | None) -> Iterator[Node]:
    start = 0
    for match in _CITATION.finditer(text):
        numbers = [int(number) for number in match.group(1).split(",")]
        if citations is not None and not citations.issuperset(numbers):
            continue
        if match.start() > start:
            yield {"kind": "text", "text": text[start : match.start()]}
        for number in numbers:
            yield {"kind": "cite", "n": number}
        start = match.end()
    if start < len(text):
        yield {"kind": "text", "text": text[start:]}
