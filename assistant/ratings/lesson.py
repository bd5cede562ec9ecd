"""What a right answer teaches: the words that stand in its passages, word for word, and which passages those are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from assistant.adaptation.rows import normal
from assistant.guardrails import sentences

_BOLD = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True, slots=True)
class Lesson:
    """An answer in the words of its passages."""

    answers: tuple[str, ...]  # one for an answer of one sentence, else each of its sentences
    gold: tuple[str, ...]  # ids of the passages that hold them, in the order of the answer
    cited: str  # an answer of several sentences with marks counted in the order of `gold`; "" for one sentence


def lesson(text: str, marks: Mapping[int, str], passages: Mapping[str, str]) -> Lesson | None:
    """Return what the answer `text` teaches; None when one of its sentences stands in no passage word for word.

    `marks` are the passages' ids by the numbers that the text cites them by; `passages` their texts by id. A sentence
    without a mark may stand in any of them. Of a single sentence the words in bold are enough: they are what the small
    model answers, the rest stands around them in the document.
    """
    said = [one for raw in sentences.split(text) if (one := sentences.parse(raw)).claim]
    if len(said) == 1:
        short = _BOLD.findall(said[0].claim)
        for words in (*short[:1], _plain(said[0].claim)) if len(short) == 1 else (_plain(said[0].claim),):
            if gold := _holders(words, said[0], marks, passages):
                return Lesson((words,), gold, "")
        return None
    gold_of: list[str] = []
    cited = []
    for one in said:
        found = _holders(_plain(one.claim), one, marks, passages)
        if not found:
            return None
        gold_of += [found[0]] if found[0] not in gold_of else []
        cited.append(f"{_plain(one.claim).rstrip('.')} [{gold_of.index(found[0]) + 1}].")
    return Lesson(tuple(_plain(one.claim) for one in said), tuple(gold_of), " ".join(cited)) if said else None


def _holders(
    words: str, sentence: sentences.Sentence, marks: Mapping[int, str], passages: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the passages that hold `words`: of those that the sentence cites, or of all where it cites none."""
    wanted = normal(words)
    ids = [marks[n] for n in sentence.cited if n in marks] if sentence.cited else list(passages)
    if not wanted:
        return ()
    return tuple(one for one in ids if one in passages and f" {wanted} " in f" {normal(passages[one])} ")


def _plain(claim: str) -> str:
    return claim.replace("**", "")
