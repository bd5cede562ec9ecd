"""Chunks that repeat others of the same document are left out; the first copy always stays.

The rule, and why it stops at the document's border: a chunk is left out only in favour of one that is stored in the
same transaction and deleted with it, so no deletion, and no change of readers, can take away the only copy. Copies
in different documents all stay; a search decides which of them it shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rensa import RMinHash, RMinHashLSH  # type: ignore[import-untyped]  # it ships no types

from ingest.types import PreparedChunk

_WORD = re.compile(r"\w+")
_SHINGLE = 4  # words
_PERMUTATIONS = 64
_BANDS = 16
_NEAR = 0.9  # shared shingles over all shingles
_FEW_WORDS = 12  # below, near duplicates say different things
_NEGATION_WORDS = "no not never none nor neither without except unless cannot nicht kein keine ohne"
_NEGATIONS = frozenset(_NEGATION_WORDS.split())


def without_repeats(chunks: Sequence[PreparedChunk]) -> list[PreparedChunk]:
    """Return the chunks, in order, without those that say again what an earlier one says.

    That is: the same words in the same order under any heading, or nine in ten shared runs of words and no number,
    name or negation that differs.
    """
    kept: list[PreparedChunk] = []
    words_kept: list[list[str]] = []
    exact: set[tuple[str, ...]] = set()
    lsh = RMinHashLSH(threshold=_NEAR, num_perm=_PERMUTATIONS, num_bands=_BANDS)
    for chunk in chunks:
        words = _WORD.findall(chunk.chunk.text)
        lower = tuple(word.lower() for word in words)
        if lower and lower in exact:
            continue
        sketch = _sketch(lower)
        near = sorted(lsh.query(sketch)) if len(words) >= _FEW_WORDS else []
        if any(_says_the_same(words_kept[place], words) for place in near):
            continue
        if len(words) >= _FEW_WORDS:
            lsh.insert(len(kept), sketch)
        exact.add(lower)
        kept.append(chunk)
        words_kept.append(words)
    return kept


def _sketch(words: Sequence[str]) -> RMinHash:
    sketch = RMinHash(num_perm=_PERMUTATIONS, seed=1)
    sketch.update(list(_shingles(words)))
    return sketch


def _shingles(words: Sequence[str]) -> set[str]:
    return {" ".join(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1))}


def _says_the_same(kept: Sequence[str], words: Sequence[str]) -> bool:
    one = _shingles([word.lower() for word in kept])
    other = _shingles([word.lower() for word in words])
    if len(one & other) < _NEAR * len(one | other):
        return False
    return not any(_matters(word) for word in set(kept) ^ set(words))


def _matters(word: str) -> bool:
    """Return whether a difference in this word may change what is said."""
    return not word.islower() or any(map(str.isdigit, word)) or word in _NEGATIONS
