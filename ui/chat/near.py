"""Which sentence of a passage is closest to a question, or to what an answer says. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ui.components import NearData
from ui.passage_tables import named
from ui.wire import Hit

QUOTE_CHARS = 600  # the API cuts a quote here, in the middle of a word as it may be
AROUND_CHARS = 110  # of the text before and after the sentence; the rest is one click away
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]*\s*")  # a dot inside "3.2" ends none
_CLAIM = re.compile(r"([^\[\]]*)((?:\[\d+\]\s*)+)[.!?]?")  # what is said, and the marks behind it
_WORD = re.compile(r"\w+")
_STEM_CHARS = 6  # "adopt" and "adopting", "reise" and "reisen" count as one


def nearest(hits: Sequence[Hit], question: str) -> list[NearData]:
    """Return what is shown of each passage, in the order given.

    The closest sentence shares most with the question, a word counting the less the more sentences have it: so no
    list of little words is needed, in any language. Without a word in common it is the first one.
    """
    texts = [_sentences(named(whole(hit.quote or hit.text))) for hit in hits]
    stems = [[_stems(sentence) for sentence in sentences] for sentences in texts]
    asked = _weighed(question, [one for many in stems for one in many])
    return [
        _shown(hit, sentences, _best(asked, known)) for hit, sentences, known in zip(hits, texts, stems, strict=True)
    ]


def excerpt(text: str, said: Sequence[str]) -> str:
    """Return the sentence of `text` that is closest to what is `said` first, with a little of what stands around it."""
    sentences = _sentences(named(whole(text)))
    best = _closest(sentences, said[0]) if said else 0
    before, after = _around(sentences, best)
    return before + (sentences[best] if sentences else "") + after


def resting(text: str, said: Sequence[str]) -> str:
    """Return the part of `text` that `said` rests on: from the first to the last sentence that is closest to one."""
    sentences = _sentences(text)
    found = [_closest(sentences, claim) for claim in said]
    return "".join(sentences[min(found) : max(found) + 1]).strip() if found else ""


def claims(answer: str, n: int) -> list[str]:
    """Return the sentences of an answer that cite passage `n`, in order."""
    found = [(_sentences(said)[-1:], marks) for said, marks in _CLAIM.findall(answer)]
    return [said[0] for said, marks in found if said and f"[{n}]" in marks]


def whole(quote: str) -> str:
    """Return a quote without the part of a word at its end, where the API cut it."""
    return quote if len(quote) < QUOTE_CHARS else quote.rpartition(" ")[0] + " …"


def _shown(hit: Hit, sentences: Sequence[str], best: int) -> NearData:
    before, after = _around(sentences, best)
    return NearData(
        chunk=hit.chunk,
        title=hit.title or hit.path,
        page=hit.page,
        heading=hit.heading,
        before=before,
        best=sentences[best] if sentences else "",
        after=after,
    )


def _around(sentences: Sequence[str], best: int) -> tuple[str, str]:
    before, after = "".join(sentences[:best]), "".join(sentences[best + 1 :])
    return (
        before if len(before) <= AROUND_CHARS else "… " + before[-AROUND_CHARS:].partition(" ")[2],
        after if len(after) <= AROUND_CHARS else after[:AROUND_CHARS].rpartition(" ")[0] + " …",
    )


def _closest(sentences: Sequence[str], said: str) -> int:
    known = [_stems(sentence) for sentence in sentences]
    return _best(_weighed(said, known), known)


def _best(asked: Mapping[str, float], known: Sequence[set[str]]) -> int:
    scores = [sum(asked[word] for word in asked.keys() & one) for one in known]
    return scores.index(max(scores)) if scores else 0


def _weighed(asked: str, known: Sequence[set[str]]) -> dict[str, float]:
    return {word: 1 / max(1, sum(word in one for one in known)) for word in _stems(asked)}


def _sentences(text: str) -> list[str]:
    """Return the sentences of `text` with the white space behind them; joined they are the text."""
    return _SENTENCE.findall(text.strip())


def _stems(text: str) -> set[str]:
    return {word[:_STEM_CHARS] for word in _WORD.findall(text.casefold())}
