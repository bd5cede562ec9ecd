"""Entries: the row of a table, or the line "Wellness: $100", that is named as what a question asks for.

The reader was trained on sentences and scores a cell low, also where it marks the right one: "First Monday in
September" beside "Labor Day". That the row is called what was asked for makes up for it.
"""

from __future__ import annotations

import re

from assistant.guardrails.words import content
from assistant.orchestration.topic import among, topic_of
from knowledge.rarity import rarity
from knowledge.reader import Reading
from knowledge.types import Passage

# No blanks beside the cell: with them a line of a thousand blanks took half a second.
_ENTRY = re.compile(r"^(?:\|(?P<cell>[^|]+)\|[^|]*\|$|(?:[-*•]\s+)?(?P<name>[^:|]{2,60}):\s+\S)")
_OWN = 0.5  # of what was asked, rare words counting more, that the name says; title and headings say the rest


def entry_named(question: str, passage: Passage, reading: Reading) -> bool:
    """Return whether the reading stands in an entry whose name says what is asked for, and nothing else."""
    begin, name = _line(passage.text, reading.start)
    topic = topic_of(question)
    if reading.start < begin or not name or not topic:
        return False
    own, label = frozenset(content(name)), frozenset(content(f"{passage.title} {passage.heading}"))
    if not own or not all(among(root, frozenset(topic.values())) for root in own):
        return False
    told = {word: rarity(word) for word in topic}
    said = sum(told[word] for word, root in topic.items() if among(root, own)) / sum(told.values())
    return said >= _OWN and all(among(root, own | label) for root in topic.values())


def _line(text: str, place: int) -> tuple[int, str]:
    """Return where the value of the entry at `place` begins, and its name; "" where the line is no entry."""
    start = text.rfind("\n", 0, place) + 1
    end = text.find("\n", start)
    found = _ENTRY.match(text[start : len(text) if end < 0 else end].strip())
    if found is None:
        return 0, ""
    return start + max(found.end("cell"), found.end("name")), (found["cell"] or found["name"]).strip()
