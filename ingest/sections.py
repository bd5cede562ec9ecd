"""Blocks gathered under their headings, and small neighbours put together, before they are cut into chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ingest.types import Block

SEPARATOR = " > "  # between the headings of a path


@dataclass
class Section:
    """What stands between two headings; collected block by block."""

    path: tuple[str, ...]  # headings from the highest to its own
    anchor: str = ""
    page: int | None = None
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Group:
    """Sections that are cut together, under the headings that they share."""

    path: tuple[str, ...]
    sections: tuple[Section, ...]


def sections(blocks: Iterable[Block], title: str) -> list[Section]:
    """Return the sections of a document in order; a heading that only repeats the title is not part of any path.

    A heading without text below it, and without deeper headings, becomes a section whose text is the heading; so does
    a title with nothing below it at all.
    """
    found: list[Section] = []
    stack: list[Block] = []
    current = Section(())
    for block in blocks:
        if block.kind != "heading":
            current.blocks.append(block)
            continue
        found.append(current)
        while stack and stack[-1].level >= block.level:
            stack.pop()
        stack.append(block)
        current = Section(_path(stack, title), block.anchor, block.page)
    found.append(current)
    kept = [section for section, after in zip(found, [*found[1:], None], strict=True) if _kept(section, after)]
    return kept or [Section((), blocks=[Block("text", block.text, page=block.page)]) for block in stack]


def groups(found: Sequence[Section], sizes: Sequence[int], aim: int) -> Iterator[Group]:
    """Yield the sections, neighbours that are small put together as long as they stay below `aim` tokens.

    Only sections that share a heading (or that all have none) come together: siblings, or a parent and its children.
    `sizes` are the sections' tokens.
    """
    waiting: list[Section] = []
    path: tuple[str, ...] = ()
    total = 0
    for section, size in zip(found, sizes, strict=True):
        shared = _shared(path, section.path)
        if waiting and total + size <= aim and _related(waiting, section, shared):
            waiting.append(section)
            path, total = shared, total + size
            continue
        if waiting:
            yield Group(path, tuple(waiting))
        waiting, path, total = [section], section.path, size
    if waiting:
        yield Group(path, tuple(waiting))


def _path(stack: Sequence[Block], title: str) -> tuple[str, ...]:
    names = tuple(block.text for block in stack)
    return names[1:] if names and names[0].casefold().strip() == title.casefold().strip() else names


def _kept(section: Section, after: Section | None) -> bool:
    """Fill a section that has no text with its own heading, unless that lives on in the path of the next one."""
    if section.blocks:
        return True
    lives_on = after is not None and after.path[: len(section.path)] == section.path
    if not section.path or lives_on:
        return False
    section.blocks.append(Block("text", section.path[-1], page=section.page, anchor=section.anchor))
    section.path = section.path[:-1]
    return True


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return one[:count]


def _related(waiting: Sequence[Section], section: Section, shared: tuple[str, ...]) -> bool:
    """Return whether `shared` is the path of each section or that of its parent."""
    deepest = max(len(section.path), *(len(other.path) for other in waiting))
    return deepest - len(shared) <= 1
