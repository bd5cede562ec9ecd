"""Question rows: one JSON object a line, read strictly, cleaned, without duplicates.

The format: id, question, contexts (list of {id, title, text}), answers, answerable; often gold (ids of the contexts
that hold the answer), cited_answer (a long answer with [n] after each part, n counted from 1 in the order given).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.adaptation.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document as a prompt shows it."""

    title: str
    text: str

    @property
    def key(self) -> str:
        """Return the SHA-1 of the text alone: equal texts are one passage whatever they are called."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Row:
    """A question, what was given with it, and what is right."""

    id: str
    question: str
    contexts: tuple[Passage, ...]
    gold: tuple[int, ...]  # positions in `contexts`; empty when unanswerable
    answers: tuple[str, ...]  # empty when unanswerable
    cited: str  # an answer that already carries its [n]; empty when the source has none
    document: str  # what a split keeps together


def read(path: Path) -> list[Row]:
    """Return the rows of a JSON Lines file in its order, cleaned, exact duplicates removed.

    Raises DatasetError when the file is missing, empty, holds a line that is not such a row, or nothing but duplicates
    of one question.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise DatasetError(
            f"Cannot read rows from {str(path)!r}: {exc}. Give a UTF-8 JSON Lines file.", "rows_unreadable"
        ) from exc
    rows = list(unique(_row(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()))
    if not rows:
        raise DatasetError(f"The file {str(path)!r} holds no rows. Give one JSON object a line.", "rows_empty")
    if len(rows) == 1 and len(lines) > 1:
        raise DatasetError(
            f"All {len(lines)} lines of {str(path)!r} are the same question. Give different questions.",
            "rows_duplicates",
        )
    return rows


def unique(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield each row whose question, passages and answers were not seen before."""
    seen: set[tuple[str, frozenset[str], bool]] = set()
    for row in rows:
        key = (normal(row.question), frozenset(p.key for p in row.contexts), bool(row.answers))
        if key not in seen or row.cited:
            seen.add(key)
            yield row


def normal(text: str) -> str:
    """Return `text` in lower case, reduced to letters and digits with single spaces."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _row(path: Path, number: int, line: str) -> Row:
    where = f"line {number} of {str(path)!r}"
    try:
        raw = json.loads(line)
        contexts = tuple(Passage(clean(c.get("title") or ""), clean(c["text"])) for c in raw["contexts"])
        ids = [c["id"] for c in raw["contexts"]]
        answers = tuple(clean(a) for a in raw["answers"]) if raw["answerable"] else ()
        gold = tuple(ids.index(g) for g in raw.get("gold", ()) if g in ids) if answers else ()
        question, row_id = clean(raw["question"]), str(raw["id"])
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DatasetError(
            f"Cannot use {where}: {exc!r}. A row needs id, question, contexts (id, title, text), answers, answerable.",
            "rows_damaged",
        ) from exc
    if not question or not all(p.text for p in contexts):
        raise DatasetError(
            f"Cannot use {where}: the question or a passage is empty. Fill it or remove the row.", "rows_damaged"
        )
    document = contexts[0].title or contexts[0].key if contexts else row_id
    return Row(row_id, question, contexts, gold, answers, clean(raw.get("cited_answer") or ""), document)


# Penn Treebank spacing, as some sources print it: "98 % of the world 's population , which".
_TREEBANK = [
    (re.compile(r"``\s*|\s*''"), '"'),
    (re.compile(r" (?=[,.;:!?%)\]](?:\s|$))"), ""),
    (re.compile(r" (?='(?:s|t|re|ve|ll|d|m)\b)"), ""),
    (re.compile(r"(?<=[(\[]) "), ""),
    (re.compile(r"(?<=\w) - (?=\w)"), "-"),
]


def clean(text: str) -> str:
    """Return `text` with runs of blanks made one and tokenised spacing undone; line breaks are kept."""
    text = re.sub(r"[^\S\n]+", " ", text).strip()
    if re.search(r" [,.](?: |$)", text):
        for pattern, replacement in _TREEBANK:
            text = pattern.sub(replacement, text)
    return text
