"""What a reader makes of the passages, and when its word counts.

Among several passages the small model abstains too readily, and it answers from some that do not say. The reader
(knowledge/reader.py) is better at both, in a tenth of the time: where it is sure its words are the answer, where it
sees none the turn abstains, and in between the small model has to find the same words. The limits were fitted on
held-out questions; docs/experiments/2026-11-reader.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.guardrails.support import Question
from assistant.guardrails.words import tokens
from assistant.orchestration.explain import asks_for_explanation, explanation
from knowledge.reader import Reader
from knowledge.types import Passage
from knowledge.words import is_english

GUIDED = "grounded-answer"  # the adapter that it stands in for: another one was trained to answer by itself
SAYS = -4.0  # log-odds of the likeliest answer below which no passage says
SURE = 0.0  # log-odds above which it is the answer, whatever the small model would say
AGREES = 0.3  # F1 of the words of both from which on they are the same answer


@dataclass(frozen=True, slots=True)
class Read:
    """The likeliest answer, as a reader sees it."""

    passage: Passage
    words: str  # of the passage
    score: float  # log-odds against "no passage says"

    @property
    def likely(self) -> bool:
        """Return whether the passage may say it."""
        return self.score >= SAYS and bool(self.words)

    @property
    def sure(self) -> bool:
        """Return whether the passage says it."""
        return self.score > SURE and bool(self.words)

    @property
    def told(self) -> str:
        """Return the sentence that tells what was read."""
        if not self.likely:
            return "No passage seems to answer the question"
        return f"The answer {'stands' if self.sure else 'may stand'} in {self.passage.title}"

    def explanation(self, question: str) -> str | None:
        """Return the stretch of the passage that answers a question which wants more than a few words, with its marks.

        None: a few words will do, or the passage does not seem to say it, or has no running text about the question.
        """
        if not self.likely or not asks_for_explanation(question):
            return None
        passage = self.passage
        return explanation(question, passage.text, self.words, f"{passage.title} {passage.heading}")

    def agrees(self, said: str) -> bool:
        """Return whether what the small model said is the same answer."""
        theirs, ours = frozenset(tokens(said)), frozenset(tokens(self.words))
        return 2 * len(theirs & ours) >= AGREES * (len(theirs) + len(ours)) and bool(theirs & ours)


def readable(question: str, passages: Sequence[Passage]) -> bool:
    """Return whether the reader was trained for this: it knows English alone."""
    return Question(question).english and all(is_english(passage.text) for passage in passages)


def read(reader: Reader, question: str, passages: Sequence[Passage]) -> Read:
    """Return the likeliest answer in `passages`, of which there is at least one; takes some 50 ms of CPU for each."""
    readings = reader.read(question, passages)
    best = max(range(len(passages)), key=lambda n: readings[n].score)
    words = passages[best].text[readings[best].start : readings[best].end]
    line = max(words.splitlines(), key=len, default="")  # an answer does not go on from a heading into the text
    return Read(passages[best], " ".join(line.split()), readings[best].score)
