"""The passages that an abstaining answer offers: which sentence of each is closest to the question. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ui.components import NearData
from ui.wire import Hit

AROUND_CHARS = 110  # of the text before and after the sentence; the rest is one click away
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]*\s*")  # a dot inside "3.2" ends none
_WORD = re.compile(r"\w+")
_STEM_CHARS = 6  # "adopt" and "adopting", "reise" and "reisen" count as one


def nearest(hits: Sequence[Hit], question: str) -> list[NearData]:
    """Return what is shown of each passage, in the order given.

    The closest sentence shares most with the question, a word counting the less the more sentences have it: so no
    list of little words is needed, in any language. Without a word in common it is the first one.
    """
    texts = [_sentences(hit.quote or hit.text) for hit in hits]
    stems = [[_stems(sentence) for sentence in sentences] for sentences in texts]
    asked = _stems(question)
    weights = {word: 1 / max(1, sum(word in one for many in stems for one in many)) for word in asked}
    found = []
    for hit, sentences, known in zip(hits, texts, stems, strict=True):
        scores = [sum(weights[word] for word in asked & one) for one in known]
        found.append(_shown(hit, sentences, scores.index(max(scores)) if scores else 0))
    return found


def _shown(hit: Hit, sentences: Sequence[str], best: int) -> NearData:
    before, after = "".join(sentences[:best]), "".join(sentences[best + 1 :])
    return NearData(
        chunk=hit.chunk,
        title=hit.title or hit.path,
        page=hit.page,
        heading=hit.heading,
        collection=hit.collection,
        before=before if len(before) <= AROUND_CHARS else "… " + before[-AROUND_CHARS:].partition(" ")[2],
        best=sentences[best] if sentences else "",
        after=after if len(after) <= AROUND_CHARS else after[:AROUND_CHARS].rpartition(" ")[0] + " …",
    )


def _sentences(text: str) -> list[str]:
    """Return the sentences of `text` with the white space behind them; joined they are the text."""
    return _SENTENCE.findall(text.strip())


def _stems(text: str) -> set[str]:
    return {word[:_STEM_CHARS] for word in _WORD.findall(text.casefold())}
