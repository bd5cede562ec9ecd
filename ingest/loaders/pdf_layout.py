"""From the lines of all pages to headings and paragraphs: by size, weight and distance, since PDF knows neither."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, product, zip_longest

from ingest.loaders.pdf_lines import Line
from ingest.types import Block

_HEADING_RATIO = 1.12  # of the size of ordinary text
_HEADING_CHARACTERS = 150
_HEADING_LINES = 3
_GAP_RATIO = 1.75  # distance of two base lines over size: above, a paragraph ends
_FULL_LINE = 0.75  # of the longest line: shorter lines end on purpose
_EDGE_LINES = 3  # lines at the top and bottom of a page that may be page furniture
_FURNITURE_PAGES = 3  # pages on which they must come back
_FURNITURE_SHARE = 0.3  # of all pages
_NUMBER = re.compile(r"\d+")
_MOST_NUMBERS = 3  # in a line that may count pages
_PAGE_NUMBER = re.compile(r"(?:page|seite|página|-)?\s*\d+(?:\s*(?:of|von|de|/|-)\s*\d*)?\s*-?", re.IGNORECASE)
_HYPHEN = re.compile(r"[^\W\d_]-$")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_LIST_ITEM = re.compile(r"(?:[•●▪◦‣–—*-]|\(?\w{1,3}[.)])\s")


def without_furniture(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Return the pages without what comes back at their edges, such as running titles, but for its first time.

    A line comes back when it stands on at least three pages and on three in ten, the same but for numbers that count
    with the pages. Bare page numbers go everywhere.
    """
    on_pages: Counter[str] = Counter()
    for page in pages:
        on_pages.update({key for n in _edges(page) for key in _keys(page[n])})
    often = {key for key, n in on_pages.items() if n >= _FURNITURE_PAGES and n >= _FURNITURE_SHARE * len(pages)}
    seen: set[str] = set()
    return [_stripped(page, often, seen) for page in pages]


def _stripped(page: Sequence[Line], often: set[str], seen: set[str]) -> list[Line]:
    drop: set[int] = set()
    for n in _edges(page):
        keys = often & _keys(page[n])
        if keys & seen or (keys and _PAGE_NUMBER.fullmatch(page[n].text)):
            drop.add(n)
        seen |= keys
    return [line for n, line in enumerate(page) if n not in drop]


def _edges(page: Sequence[Line]) -> list[int]:
    count = len(page)
    if count <= 2 * _EDGE_LINES:
        return list(range(count))
    return [*range(_EDGE_LINES), *range(count - _EDGE_LINES, count)]


def _keys(line: Line) -> set[str]:
    """Return the ways in which a line may come back: as it is, or with some of its numbers counting the pages."""
    text = " ".join(line.text.lower().split())
    pieces = _NUMBER.split(text)
    numbers = _NUMBER.findall(text)
    if not 1 <= len(numbers) <= _MOST_NUMBERS or max(map(len, numbers)) > 5:
        return {text}
    choices = product(*((number, f"#{int(number) - line.page}") for number in numbers))
    return {"".join(chain.from_iterable(zip_longest(pieces, choice, fillvalue=""))) for choice in choices}


@dataclass(frozen=True, slots=True)
class _Ordinary:
    """What most of a document's text looks like."""

    size: float
    bold: bool
    turned: bool


def blocks(lines: Sequence[Line]) -> Iterator[Block]:
    """Yield headings and paragraphs; `lines` are those of the whole document, so that its ordinary size is known."""
    ordinary = _Ordinary(_size(lines), _most(lines, lambda line: line.bold), _most(lines, lambda line: line.turned))
    levels = _levels(lines, ordinary.size)
    for paragraph in _paragraphs(lines):
        page = paragraph[0].page
        level = _heading_level(paragraph, ordinary, levels)
        if level is None:
            yield Block("text", _joined(paragraph), page=page, anchor=f"page={page}")
        else:
            text = " ".join(line.text for line in paragraph)
            yield Block("heading", text, level, page=page, anchor=f"page={page}")


def _size(lines: Sequence[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _most(lines: Sequence[Line], holds: Callable[[Line], bool]) -> bool:
    total = sum(len(line.text) for line in lines)
    return sum(len(line.text) for line in lines if holds(line)) * 2 > total


def _levels(lines: Sequence[Line], body: float) -> dict[float, int]:
    """Return heading levels 1 to 4 by size, largest first; sizes that are close share one."""
    sizes = sorted({line.size for line in lines if line.size >= body * _HEADING_RATIO}, reverse=True)
    levels: dict[float, int] = {}
    level = 0
    for previous, size in pairwise([float("inf"), *sizes]):
        level += size < previous * 0.95
        levels[size] = min(level, 4)
    return levels


def _heading_level(paragraph: Sequence[Line], ordinary: _Ordinary, levels: dict[float, int]) -> int | None:
    text = " ".join(line.text for line in paragraph)
    first = paragraph[0]
    if len(text) > _HEADING_CHARACTERS or len(paragraph) > _HEADING_LINES or not _LETTERS.search(text):
        return None
    if text.endswith((".", ",", ";")) or ordinary.size <= 0 or first.turned != ordinary.turned:
        return None
    if first.size >= ordinary.size * _HEADING_RATIO:
        return levels[first.size]
    if first.bold and not ordinary.bold and not _LIST_ITEM.match(text) and first.size >= ordinary.size * 0.95:
        return min(max(levels.values(), default=0) + 1, 5)
    return None


def _paragraphs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    current: list[Line] = []
    for line in lines:
        if current and _breaks(current[-1], line):
            yield current
            current = []
        current.append(line)
    if current:
        yield current


def _breaks(above: Line, line: Line) -> bool:
    """Return whether a paragraph ends between two lines."""
    if above.goes_on:
        return False
    if above.page != line.page:
        return above.text.endswith((".", "!", "?", ":")) or not line.text[:1].islower()
    if abs(above.size - line.size) > 0.08 * max(above.size, line.size) or above.bold != line.bold:
        return True
    distance = above.last_base - line.base
    return distance > _GAP_RATIO * max(line.size, 1.0) or distance < -2 * line.size or bool(_LIST_ITEM.match(line.text))


def _joined(paragraph: Sequence[Line]) -> str:
    """Return the text of a paragraph; a line that is full flows into the next, a short one ends on purpose."""
    longest = max(len(line.text) for line in paragraph)
    text = paragraph[0].text
    for above, line in pairwise(paragraph):
        if above.goes_on or (_HYPHEN.search(above.text) and line.text[:1].islower()):
            text = text.removesuffix("-") + line.text
        elif len(above.text) >= longest * _FULL_LINE or line.text[:1].islower():
            text += " " + line.text
        else:
            text += "\n" + line.text
    return text
