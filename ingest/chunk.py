"""Documents to chunks: about 200 tokens each, never across a heading that matters, tables with their header repeated.

What the embedding model sees of a chunk is `knowledge.embed.passage_text`: title, headings, text. All of it has to
fit, so long titles and headings leave less room for the text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from langchain_text_splitters import RecursiveCharacterTextSplitter

from ingest.sections import SEPARATOR, Group, Section, groups, sections
from ingest.settings import IngestSettings
from ingest.tokens import SPECIAL_TOKENS, TokenCounter
from ingest.types import Block, PreparedChunk, Row
from knowledge.types import NewChunk, PageBreak

_BORDERS = ["\n\n", "\n", ". ", "? ", "! ", "; ", ", ", " ", ""]  # where long text is cut, best first
_MAX_PREFIX_SHARE = 0.4  # of a chunk for its title and headings
_WIDE_HEADER_SHARE = 0.4  # of a chunk: a table with a longer header is written as "name: value" instead
_MOST_REPEATED = 400  # characters that two chunks may share where a passage was cut


@dataclass(frozen=True, slots=True)
class _Unit:
    """A piece that is not cut any more."""

    text: str
    tokens: int
    page: int | None
    anchor: str


@dataclass(frozen=True, slots=True)
class _Budget:
    """Tokens for the text of one chunk."""

    aim: int
    most: int


class Chunker:
    """Cuts documents; made once per process, because its tokenizer takes a moment to load."""

    def __init__(self, settings: IngestSettings, counter: TokenCounter) -> None:
        """Cut to the sizes in `settings`, measured by `counter`."""
        self._settings = settings
        self._counter = counter

    def chunks(self, title: str, blocks: Sequence[Block]) -> list[PreparedChunk]:
        """Return the chunks of a document in order; each fits the embedding model together with title and headings."""
        found = sections(blocks, title)
        budgets = [self._budget(title, section.path) for section in found]
        units = [self._units(section, budget) for section, budget in zip(found, budgets, strict=True)]
        by_section = {id(section): pieces for section, pieces in zip(found, units, strict=True)}
        sizes = [
            sum(unit.tokens for unit in pieces) + _heading_tokens(s) for s, pieces in zip(found, units, strict=True)
        ]
        cut: list[PreparedChunk] = []
        for group in groups(found, sizes, self._settings.chunk_tokens):
            budget = self._budget(title, group.path)
            path = self._fitting(group.path, title)
            for pack in _packs(self._group_units(group, by_section), budget):
                cut.append(_chunk(pack, path, self._settings.chunk_tokens_max - budget.most))
        return cut

    def _budget(self, title: str, path: tuple[str, ...]) -> _Budget:
        prefix = self._prefix_tokens(title, self._fitting(path, title))
        most = max(self._settings.chunk_tokens_max - prefix, self._settings.chunk_tokens_max // 3)
        return _Budget(min(self._settings.chunk_tokens, most), most)

    def _prefix_tokens(self, title: str, path: tuple[str, ...]) -> int:
        heading = SEPARATOR.join(path)
        return SPECIAL_TOKENS + self._counter.count_again(title) + self._counter.count_again(heading)

    def _fitting(self, path: tuple[str, ...], title: str) -> tuple[str, ...]:
        """Return the path without its highest headings when all of them would leave too little room."""
        limit = int(self._settings.chunk_tokens_max * _MAX_PREFIX_SHARE)
        while path and self._prefix_tokens(title, path) > limit:
            path = path[1:]
        return path

    def _units(self, section: Section, budget: _Budget) -> list[_Unit]:
        plain = [block for block in section.blocks if block.kind != "table"]
        counted = dict(zip(map(id, plain), self._counter.count_all([block.text for block in plain]), strict=True))
        units: list[_Unit] = []
        for block in section.blocks:
            page, anchor = block.page or section.page, block.anchor or section.anchor
            if block.kind == "table":
                units += [_Unit(text, tokens, page, anchor) for text, tokens in self._table(block, budget)]
            elif counted[id(block)] <= budget.most:
                units.append(_Unit(block.text, counted[id(block)], page, anchor))
            else:
                units += [_Unit(text, tokens, page, anchor) for text, tokens in self._cut(block.text, budget)]
        return units

    def _cut(self, text: str, budget: _Budget) -> list[tuple[str, int]]:
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=budget.aim,
            chunk_overlap=min(self._settings.overlap_tokens, budget.aim // 4),
            length_function=self._counter.count,
            separators=_BORDERS,
            keep_separator="end",
        )
        pieces = [piece for piece in splitter.split_text(text) if piece.strip()]
        return list(zip(pieces, self._counter.count_all(pieces), strict=True))

    def _table(self, block: Block, budget: _Budget) -> Iterator[tuple[str, int]]:
        """Yield a table in pieces, each with the caption and the header row on top."""
        header, rows = block.rows[0], block.rows[1:]
        top = "\n".join([*([block.text] if block.text else []), _line(header), _line(("---",) * len(header))])
        top_tokens = self._counter.count(top)
        if top_tokens > budget.most * _WIDE_HEADER_SHARE and rows:
            text = "\n".join([*([block.text] if block.text else []), *(_named(header, row) for row in rows)])
            yield from self._cut(text, budget)
            return
        lines = [_line(row) for row in rows]
        pack: list[str] = []
        total = top_tokens
        for row, line, tokens in zip(rows, lines, self._counter.count_all(lines), strict=True):
            if pack and total + tokens > budget.aim:
                yield "\n".join([top, *pack]), total
                pack, total = [], top_tokens
            if top_tokens + tokens > budget.most:
                yield from self._cut(_named(header, row), budget)
            else:
                pack.append(line)
                total += tokens
        if pack or not rows:
            yield "\n".join([top, *pack]), total

    def _group_units(self, group: Group, by_section: dict[int, list[_Unit]]) -> list[_Unit]:
        """Return the units of all sections; headings that are not in the group's path become lines of text."""
        units: list[_Unit] = []
        for section in group.sections:
            own = section.path[len(group.path) :]
            if own:
                line = SEPARATOR.join(own)
                units.append(_Unit(line, self._counter.count_again(line), section.page, section.anchor))
            units += by_section[id(section)]
        return units


def joined(texts: Iterable[str]) -> str:
    """Return the text of a document from the texts of its chunks, without what neighbours repeat of each other."""
    parts: list[str] = []
    for text in texts:
        shared = _overlap(parts[-1], text) if parts else 0
        parts.append(text[shared:].lstrip() if shared else text)
    return "\n\n".join(part for part in parts if part)


def _overlap(before: str, text: str) -> int:
    """Return how many characters at the start of `text` also end `before`, at least a few words."""
    for size in range(min(len(before), len(text), _MOST_REPEATED), 15, -1):
        if before.endswith(text[:size]):
            return size
    return 0


def _heading_tokens(section: Section) -> int:
    return len(section.path[-1].split()) * 2 if section.path else 0  # a rough upper bound is enough


def _packs(units: Sequence[_Unit], budget: _Budget) -> Iterator[list[_Unit]]:
    """Yield runs of units that make a chunk each, about equally long."""
    total = sum(unit.tokens for unit in units)
    aim = total / max(1, math.ceil(total / budget.aim))
    pack: list[_Unit] = []
    size = 0
    for unit in units:
        if pack and (size + unit.tokens > budget.most or size + unit.tokens / 2 > aim):
            yield pack
            pack, size = [], 0
        pack.append(unit)
        size += unit.tokens
    if pack:
        yield pack


def _chunk(pack: Sequence[_Unit], path: tuple[str, ...], prefix: int) -> PreparedChunk:
    first = pack[0]
    text, page = first.text.lstrip(), first.page
    breaks: list[PageBreak] = []
    for above, unit in zip(pack, pack[1:], strict=False):
        text += "\n" if _is_item(above.text) and _is_item(unit.text) else "\n\n"
        if unit.page is not None and unit.page != page:
            breaks.append(PageBreak(len(text), page := unit.page))
        text += unit.text
    chunk = NewChunk(text.rstrip(), SEPARATOR.join(path), first.page, first.anchor, tuple(breaks))
    return PreparedChunk(chunk, prefix + sum(unit.tokens for unit in pack))


def _is_item(text: str) -> bool:
    return text.lstrip().startswith(("- ", "* ", "• ")) and "\n\n" not in text


def _line(row: Row) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _named(header: Row, row: Row) -> str:
    """Return a row as "name: value" pairs, empty cells left out."""
    pairs = zip(header, row, strict=False)
    return "; ".join(f"{name}: {value}" if name else value for name, value in pairs if value)
