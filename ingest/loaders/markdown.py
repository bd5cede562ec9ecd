"""Markdown: headings with the anchors that GitHub gives them, tables, code, and text without its markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from ingest.errors import DocumentRefused
from ingest.loaders import web
from ingest.loaders.plain import read_text
from ingest.types import Block, Loaded, Row, Source

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
# Written by hand, the first line is often "#Title", which is no heading to CommonMark and one to its author.
_UNSPACED = re.compile(r"\A\s*#(?=[^\s#!])")
_OPENING_CHARS = 200  # a badge or a line on the state of a text may stand above its title; below prose stands none
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_DELIMITER_ROW = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_HTML_TABLE = re.compile(r" {0,3}<table[\s>]", re.IGNORECASE)
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CUSTOM_ANCHOR = re.compile(r"\s*\{#([\w-]+)\}\s*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")

_IMAGE = re.compile(r"!\[([^\]]*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)")
_LINK = re.compile(
    r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s]*)*)>?(?:\s+\"[^\"]*\")?\s*\)"
)
_REFERENCE_LINK = re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:[ \t]*\S+.*$", re.MULTILINE)
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(
    r"(?<![\w*\\])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])|(?<![\w_\\])_(?=[^\s_])([^_\n]+?)(?<=[^\s_])_(?![\w_])"
)
_STRUCK = re.compile(r"~~(?=\S)(.+?)(?<=\S)~~")
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9-]*(?:\s[^<>]*)?/?>")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+|[^<>\s@]+@[^<>\s@]+)>")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_ABSOLUTE = re.compile(r"(?:https?://|mailto:)")
_LONG_ADDRESS = 120  # characters
_QUOTE = re.compile(r"(?:[ \t]*>)+[ \t]?(?:#{1,6}[ \t]+)?")
_LIST_MARK = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]")
MARKUP_CHARACTERS = frozenset("[]*_~<&\\!")


def load(source: Source) -> Loaded:
    """Return headings, tables, code and text of a Markdown file; raises DocumentRefused (too_large).

    The title is that of the front matter, else the first heading of the highest level when it opens the text.
    """
    return parse(read_text(source))


def parse(text: str) -> Loaded:
    """Return what a Markdown text holds."""
    matter, text = _front_matter(text)
    blocks = tuple(_Reader(_UNSPACED.sub("# ", _COMMENT.sub("", text))).blocks())
    return Loaded(_title(matter, blocks), blocks)


def slug(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading (before it numbers repetitions)."""
    return _NOT_IN_SLUG.sub("", heading.strip().lower()).replace(" ", "-")


def inline(text: str) -> str:
    """Return `text` without inline markup; links keep their words, and their address when it leads elsewhere."""
    if MARKUP_CHARACTERS.isdisjoint(text):
        return text
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(_link_text, text)
    text = _REFERENCE_LINK.sub(r"\1", text)
    text = _AUTOLINK.sub(r"\1", text)
    text = _TAG.sub("", text)
    text = _STRONG.sub(r"\2", text)
    text = _EMPHASIS.sub(lambda found: found[1] or found[2], text)
    text = _STRUCK.sub(r"\1", text)
    return html.unescape(_ESCAPE.sub(r"\1", text))


@dataclass
class _Reader:
    """Goes through the lines once; `_place` is the next line to look at."""

    text: str
    _place: int = 0
    _used: dict[str, int] = field(default_factory=dict)  # how often each anchor was given

    def blocks(self) -> Iterator[Block]:
        lines = self.text.split("\n")
        paragraph: list[str] = []
        while self._place < len(lines):
            line = lines[self._place]
            special = self._special(lines, paragraph)
            if special is not None:
                yield from _flush(paragraph)
                yield from special
                continue
            self._place += 1
            if not line.strip() or _RULE.match(line):
                yield from _flush(paragraph)
            else:
                paragraph.append(line)
        yield from _flush(paragraph)

    def _special(self, lines: list[str], paragraph: list[str]) -> list[Block] | None:
        """Return the blocks of the construct that starts here, having moved behind it; None for ordinary text."""
        line = lines[self._place]
        start = line.lstrip(" ")[:1]
        if start == "#" and (heading := _ATX.match(line)):
            self._place += 1
            return self._heading(heading[2] or "", len(heading[1]))
        if start in ("`", "~") and (fence := _FENCE.match(line)):
            return self._code(lines, fence[1])
        if start in ("=", "-") and paragraph and _SETEXT.match(line):
            self._place += 1
            title = paragraph.pop() if len(paragraph) == 1 else ""
            return self._heading(title, 1 if start == "=" else 2) if title else None
        if start == "<" and _HTML_TABLE.match(line):
            return self._html_table(lines)
        if "|" in line and self._place + 1 < len(lines) and self._starts_table(lines[self._place + 1]):
            return self._table(lines)
        return None

    def _heading(self, raw: str, level: int) -> list[Block]:
        custom = _CUSTOM_ANCHOR.search(raw)
        text = inline(raw[: custom.start()] if custom else raw).strip()
        return [Block("heading", text, level, anchor=custom[1] if custom else self._anchor(text))] if text else []

    def _anchor(self, text: str) -> str:
        name = slug(text)
        count = self._used.get(name, 0)
        self._used[name] = count + 1
        return f"{name}-{count}" if count else name

    def _code(self, lines: list[str], fence: str) -> list[Block]:
        body: list[str] = []
        self._place += 1
        while self._place < len(lines):
            line = lines[self._place]
            self._place += 1
            closing = line.strip()
            if len(closing) >= len(fence) and not closing.strip(fence[0]):
                break
            body.append(line)
        text = "\n".join(body).strip("\n")
        return [Block("code", text)] if text.strip() else []

    def _html_table(self, lines: list[str]) -> list[Block]:
        start = self._place
        while self._place < len(lines):
            self._place += 1
            if "</table" in lines[self._place - 1].lower():
                break
        part = "\n".join(lines[start : self._place]).encode()
        try:
            return list(web.parse(part, len(part)).blocks)
        except DocumentRefused as refused:
            if refused.code == "empty":
                return []
            raise

    def _starts_table(self, second: str) -> bool:
        return "-" in second and "|" in second and bool(_DELIMITER_ROW.match(second))

    def _table(self, lines: list[str]) -> list[Block]:
        rows = [_cells(lines[self._place])]
        self._place += 2
        while self._place < len(lines) and lines[self._place].strip() and "|" in lines[self._place]:
            rows.append(_cells(lines[self._place]))
            self._place += 1
        return [Block("table", "", rows=tuple(rows))]


def _flush(paragraph: list[str]) -> Iterator[Block]:
    text = _REFERENCE.sub(
        "", "\n".join(_QUOTE.sub("", line) if line.lstrip()[:1] == ">" else line for line in paragraph)
    )
    paragraph.clear()
    lines = (line.rstrip() for line in inline(text).split("\n"))
    text = "\n".join(line if _LIST_MARK.match(line) else line.strip() for line in lines if line)
    if text.strip():
        yield Block("text", text.strip())


def _cells(line: str) -> Row:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(inline(cell.replace("\\|", "|").strip()).strip() for cell in _CELL_BORDER.split(inner))


def _link_text(link: re.Match[str]) -> str:
    words, address = link[1].strip(), link[2]
    if not _ABSOLUTE.match(address):
        return words
    address = address.removeprefix("mailto:")
    whole = address
    if len(address) > _LONG_ADDRESS:  # it would fill the chunk with what nobody reads; the source still has it
        address = "/".join(address.split("/")[:3])
    return address if not words or words in (link[2], whole) else f"{words} ({address})"


def _front_matter(text: str) -> tuple[dict[str, object], str]:
    found = _FRONT_MATTER.match(text)
    if not found:
        return {}, text
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(found[1])):
            return {}, text  # a few lines of aliases stand for gigabytes, and no title needs one
        matter = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, text
    return (matter, text[found.end() :]) if isinstance(matter, dict) else ({}, text)


def _title(matter: dict[str, object], blocks: tuple[Block, ...]) -> str | None:
    stated = matter.get("title")
    if isinstance(stated, str) and stated.strip():
        return stated.strip()
    place = next((place for place, block in enumerate(blocks[:3]) if block.kind == "heading"), None)
    if place is None or sum(len(block.text) for block in blocks[:place]) > _OPENING_CHARS:
        return None
    top = min(block.level for block in blocks if block.kind == "heading")
    return blocks[place].text if blocks[place].level == top else None
