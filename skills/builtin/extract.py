"""A summary in a text's own words, for installations without a model that could write one.

SumBasic (Nenkova & Vanderwende 2005, "The impact of frequency on summarization"): sentences whose words are frequent
in the text, and not said yet by a sentence that was taken before.
"""

from __future__ import annotations

import re
from collections import Counter

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"“(])|\n+")
_WORD = re.compile(r"[^\W\d_]{4,}")
_MARKUP = re.compile(r"[|`<>\[\]#*]|^\s*[-•]\s")
_LEAST_WORDS, _MOST_WORDS = 6, 45  # of a sentence that is taken
_LEAD = 1.3  # what a text says first it says for a reason
_SAID = 0.5  # what a word counts after a sentence has said it (there: its square, which small texts do not bear)
_FOCUS = 3.0  # weight of a word that was asked about


def extracted(text: str, focus: str = "", most: int = 6) -> list[str]:
    """Return at most `most` sentences of `text`, in its order; fewer where it has fewer that are whole ones."""
    lines = [" ".join(line.split()) for line in _SENTENCE.split(text)]
    found = [
        (place, line, {word[:6] for word in _WORD.findall(line.lower())})
        for place, line in enumerate(dict.fromkeys(lines))
        if line.endswith((".", "!", "?"))
        and _LEAST_WORDS <= len(line.split()) <= _MOST_WORDS
        and not _MARKUP.search(line)
    ]
    counts = Counter(word for _, _, words in found for word in words)
    total = sum(counts.values()) or 1
    wanted = {word[:6] for word in _WORD.findall(focus.lower())}
    weights = {word: count / total * (_FOCUS if word in wanted else 1.0) for word, count in counts.items()}
    if wanted:
        found = [each for each in found if each[2] & wanted] or found

    def worth(each: tuple[int, str, set[str]]) -> float:
        return sum(weights[word] for word in each[2]) / max(1, len(each[2])) * (_LEAD if each[0] == 0 else 1.0)

    taken: list[tuple[int, str]] = []
    while found and len(taken) < most:
        best = max(found, key=worth)
        found.remove(best)
        taken.append(best[:2])
        for word in best[2]:
            weights[word] *= _SAID
    return [line for _, line in sorted(taken)]
