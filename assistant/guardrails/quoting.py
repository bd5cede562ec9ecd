"""Citations: which part of a passage is quoted, and the page on which that stands."""

from __future__ import annotations

from collections import Counter

from assistant.guardrails.sentences import split
from assistant.guardrails.words import content
from assistant.types import Citation
from knowledge.types import Passage

QUOTE_CHARACTERS = 600
_BEFORE = 250  # characters that are quoted before a sentence which would not be reached from the passage's beginning


def cite(n: int, passage: Passage, claim: str = "") -> Citation:
    """Return the citation `n` of a passage for `claim`, what the answer first says of it.

    The quote is a stretch of at most 600 characters that holds the sentence closest to the claim; the page is that of
    the sentence. Without a claim both begin where the passage does.
    """
    beginnings, closest = _sentences(passage.text, claim)
    rests_on = beginnings[closest]
    page = passage.page_at(rests_on)
    start = 0
    if beginnings[closest + 1] > QUOTE_CHARACTERS:
        start = next(at for at in beginnings if rests_on - at <= _BEFORE)
    return Citation(
        n=n,
        document=passage.document_id,
        title=passage.title,
        page=page,
        chunk=passage.chunk_id,
        quote=passage.text[start : start + QUOTE_CHARACTERS],
        heading=passage.heading,
        path=passage.path,
        collection=passage.collection_id,
        anchor=passage.anchor if page == passage.page else f"page={page}",
    )


def _sentences(text: str, claim: str) -> tuple[list[int], int]:
    """Return where the sentences of `text` begin, with its end as the last number, and which of them is the closest.

    The closest has most of the claim's words, a word counting the less the more sentences have it, and of several such
    the fewest others. Without a word in common it is the first one.
    """
    sentences = split(text) or [text]
    beginnings = [0]
    for sentence in sentences:
        beginnings.append(beginnings[-1] + len(sentence))
    known = [frozenset(content(sentence)) for sentence in sentences] if claim else [frozenset[str]()]
    spread = Counter(stem for stems in known for stem in stems)
    wanted = frozenset(content(claim))
    shares = [(sum(1 / spread[stem] for stem in wanted & stems), -len(stems - wanted)) for stems in known]
    return beginnings, 0 if not max(shares)[0] else shares.index(max(shares))
