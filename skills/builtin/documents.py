"""Documents as skills: search, and the summary of a long one. What they need is handed in by the host."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from skills.builtin.extract import extracted
from skills.builtin.language import Complete
from skills.declare import EXACT, skill
from skills.errors import ModelTooSmall, SkillRefusal
from skills.types import Person

_SUMMARY = re.compile(
    r"(?:please |can you |could you )*"
    r"(?:summari[sz]e|sum up|(?:give me |write |make )?(?:a |the )?(?:short |brief )?summary of)"
    r" (?:the )?(?:(?:document|file|report|handbook|manual)(?: called| named)?"
    r" (?P<named>(?!(?:on|for|about|of|in|from|that|which|chapter|section|we|i|you)\b)[\w][^?!]{2,100}?)"
    r"|(?:document |file )?[\"'“]?(?P<file>[\w][\w .()-]{0,100}\.[A-Za-z]{2,5})[\"'”]?)(?: for me|,? please)*[.?! ]*",
    re.IGNORECASE,
)
_PART_CHARS = 3_000  # of a document, per call of the model: some 750 tokens, which the smallest model takes
_MAX_PARTS = 60
_AT_ONCE = 2
_MAP = "Summarise this part of a document in at most three short sentences. Use only what it says."
_REDUCE = "These are summaries of the parts of one document, in order. Write one summary of the whole from them."


@dataclass(frozen=True, slots=True)
class FoundText:
    """A passage that was found."""

    document: str  # id
    title: str
    text: str
    page: int | None


@dataclass(frozen=True, slots=True)
class WholeText:
    """A document's text."""

    title: str
    text: str


Search = Callable[[str, Person, int], Awaitable[list[FoundText]]]
Read = Callable[[str, Person], Awaitable[WholeText | None]]  # by id or title; None: none that the person may read


def document_skills(search: Search, read: Read, complete: Complete) -> list[Callable[..., object]]:
    """Return the skills over the documents that the asking person may read."""

    @skill
    async def search_documents(
        query: Annotated[str, "what to look for, in a few words"],
        person: Person,
        limit: Annotated[int, Field(ge=1, le=10)] = 4,
    ) -> list[FoundText]:
        """Search the company's documents and return the passages that fit best, with their titles."""
        return await search(query, person, limit)

    @skill(reads=_document_in, tags=EXACT)
    async def summarise_document(
        document: Annotated[str, "title or id of the document"],
        person: Person,
        focus: Annotated[str, "what the summary should be about; empty: everything"] = "",
    ) -> str:
        """Summarise a whole document, however long, or what it says about one topic.

        Examples:
            Summarise the document Travel policy
        """
        whole = await read(document, person)
        if whole is None:
            raise SkillRefusal(f"There is no document {document[:100]!r}. Name it by its title or file name.")
        try:
            return await summarise(whole.text, focus, complete)
        except ModelTooSmall as exc:
            lines = extracted(whole.text, focus)
            if not lines:
                raise SkillRefusal(f"{whole.title} holds no whole sentences to make a summary of.") from exc
            return "\n".join([f"{whole.title}, in its own words:", "", *(f"- {line}" for line in lines)])

    return [search_documents, summarise_document]


def _document_in(question: str) -> Mapping[str, str] | None:
    """Return the document that a question asks to sum up: a file's name, or what is called a document or a file."""
    found = _SUMMARY.fullmatch(" ".join(question.split()))
    if found is None:
        return None
    return {"document": found["file"] or found["named"].strip(" \"'“”")}


async def summarise(text: str, focus: str, complete: Complete) -> str:
    """Return a summary: of each part, then of those summaries, until one part holds them all (map-reduce).

    Raises SkillRefusal when the text has over 180,000 characters.
    """
    parts = split(text, _PART_CHARS)
    if len(parts) > _MAX_PARTS:
        raise SkillRefusal(f"The document has {len(text)} characters, over the limit of {_PART_CHARS * _MAX_PARTS}.")
    about = f" Keep to what concerns: {focus[:200]}." if focus else ""
    task = _MAP
    while True:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(part: str, task: str = task, gate: asyncio.Semaphore = gate) -> str:
            async with gate:
                return (await complete(task + about, part, 160, None)).strip()

        summaries = await asyncio.gather(*(one(part) for part in parts))
        if len(summaries) == 1:
            return summaries[0]
        # Each round has to shrink the text, or a talkative model would keep this going for ever.
        merged = "\n".join(summary[: _PART_CHARS // 4] for summary in summaries)
        parts, task = split(merged, _PART_CHARS), _REDUCE


def split(text: str, size: int) -> list[str]:
    """Return the text in parts of at most `size` characters, cut between paragraphs or words; [""] for no text."""
    parts, rest = [], text.strip()
    while len(rest) > size:
        cut = max(rest.rfind("\n\n", size // 2, size), rest.rfind("\n", size // 2, size))
        cut = cut if cut > 0 else rest.rfind(" ", size // 2, size)
        cut = cut if cut > 0 else size
        parts.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [*parts, rest]
