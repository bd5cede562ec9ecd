"""Which rows train, which choose the best weights, and which measure: split by document, so that nothing leaks."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from pathlib import Path

from assistant.adaptation.errors import DatasetError
from assistant.adaptation.languages import language
from assistant.adaptation.near_duplicates import Seen
from assistant.adaptation.recipe import Recipe, Source
from assistant.adaptation.rows import Row, read

PARTS = ("test", "development", "train")  # who keeps a text that several of them have: the first
LEFT_OUT = "left_out"  # rows that repeat others, or whose texts stand in a part that keeps them
_FEW = 0.02  # share of a pool's rows that may be in another language than the rest: names and quotations mislead

Parts = dict[str, dict[str, list[Row]]]  # part -> pool -> rows


def split(recipe: Recipe, folder: Path) -> Parts:
    """Return for "train", "development" and "test" the rows of each pool; what was "left_out" is told as well.

    A document is in one part alone, and so is every passage together with its near duplicates, whatever document they
    stand in; the passages beside a row's own are left out of it where another part has them. A row that repeats an
    earlier one of its part nearly word for word is left out.
    Raises DatasetError when a file is unusable, a pool mixes languages, training would see fewer than two documents,
    or no gold passage.
    """
    drawn: Parts = {part: defaultdict(list) for part in PARTS}
    for source in recipe.sources:
        for row in read(folder / source.file):
            drawn[_part(source, row.document)][source.pool].append(row)
    _check_languages(drawn)
    parts = _apart(drawn)
    rows = [row for pool in parts["train"].values() for row in pool]
    documents = {row.document for row in rows}
    if len(documents) < 2:
        raise DatasetError(
            f"Training would see {len(documents)} document(s), too few for near misses. "
            "Give rows of at least two documents.",
            "rows_one_document",
        )
    if not any(row.gold for row in rows):
        raise DatasetError(
            "No row names a gold passage, so no citation can be learned. Fill the field 'gold'.", "rows_without_gold"
        )
    return parts


def _part(source: Source, document: str) -> str:
    if document in source.development:
        return "development"
    if document in source.test:
        return "test"
    draw = int(hashlib.sha256(document.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    if draw <= source.train_share:
        return "train"
    if source.rest != "both":
        return source.rest
    return "development" if draw <= (source.train_share + 1) / 2 else "test"


def _apart(drawn: Parts) -> Parts:
    """Return the parts without rows that repeat others, and without those that would show a text of another part.

    What stands beside the passages that a question is about decides nothing: it goes, where another part has it.
    """
    parts: Parts = {LEFT_OUT: defaultdict(list), **{part: defaultdict(list) for part in PARTS}}
    seen = Seen()
    for part in PARTS:
        for pool, rows in drawn[part].items():
            for row in rows:
                parts[part if seen.admits(row, part) else LEFT_OUT][pool].append(row)
    for part in PARTS:
        parts[part] = {pool: [seen.trimmed(row, part) for row in rows] for pool, rows in parts[part].items()}
    return {part: dict(pools) for part, pools in parts.items()}


def _check_languages(drawn: Parts) -> None:
    """Raise DatasetError when a pool mixes languages: a passage in another language is no near miss."""
    pools: dict[str, Counter[str]] = defaultdict(Counter)
    for part in drawn.values():
        for pool, rows in part.items():
            pools[pool].update(language(row.question, _first(row)) for row in rows)
    for pool, found in pools.items():
        [(most, _), *others] = found.most_common()
        if sum(count for _, count in others) > max(1, _FEW * found.total()):
            listed = ", ".join(f"{count} {other}" for other, count in others)
            raise DatasetError(
                f"The pool {pool!r} mixes languages: {found[most]} rows are {most}, {listed}. "
                "Give each language a pool of its own.",
                "rows_mixed_languages",
            )


def _first(row: Row) -> str:
    return row.contexts[0].text if row.contexts else ""
