"""What a reader makes of the passages, and when its words are shown.

Among several passages the small model abstains too readily, and it answers from some that do not say. The reader
(knowledge/reader.py) is better at both, in a tenth of the time, so it stands in: where it is sure its words are the
answer, else the turn abstains. How sure it is, likelihood.py tells. The small model's opinion is not asked where the
reader hesitates: it agrees as often where no passage says (docs/experiments/2026-11-reader.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import inf

from assistant.guardrails.support import Question
from assistant.orchestration.assertion import asks_yes_or_no, assertion
from assistant.orchestration.cell import cell_named
from assistant.orchestration.entry import entry_named
from assistant.orchestration.expected import doubt
from assistant.orchestration.explain import asks_for_explanation, explanation, told_from
from assistant.orchestration.faq import answered
from assistant.orchestration.likelihood import features, load, words
from assistant.orchestration.listing import asks_for_several, has_list, listing
from assistant.orchestration.topic import asks_for_topic, asks_for_whom, on_topic
from knowledge.reader import Reader, Reading
from knowledge.types import Passage
from knowledge.words import is_english

# Log-odds. Of 75 questions that a file and a collection both answer, the collection was likelier for 49, by more than 1
# for 4 (docs/experiments/2026-11-reader.md).
_CLEARLY = 1.0
_EVEN = 0.0  # log-odds, above the limit: an entry that is named as what was asked for answers whatever the reader says

# Log-odds that the reader's words lose where a question wants a yes or no, which it was not trained for.
_UNTRAINED = 2.0

GUIDED = "grounded-answer"  # the adapter that it stands in for: another one was trained to answer by itself


@dataclass(frozen=True, slots=True)
class Read:
    """The likeliest answer, as a reader sees it."""

    question: str  # as it was read
    passage: Passage
    words: str  # of the passage
    log_odds: float  # that the passage answers
    named: bool = False  # whether the passage is the one about what is asked for as a whole
    asserted: bool = False  # whether the words are a sentence that says what is asked, as far as its words tell

    @property
    def sure(self) -> bool:
        """Return whether the passage says it."""
        return self.named or self.asserted or self.log_odds > load().sure and bool(self.words)

    @property
    def told(self) -> str:
        """Return the sentence that tells what was read."""
        return f"The answer stands in {self.passage.title}" if self.sure else "No passage seems to answer the question"

    @property
    def explanation(self) -> str | None:
        """Return the stretch of the passage that answers a question which wants more than a few words, with its marks.

        None: a few words will do, or the passage does not seem to say it, or has neither running text about the
        question nor, where several things are asked for, a list.
        """
        question, passage = self.question, self.passage
        explains, several = self.named or asks_for_explanation(question), asks_for_several(question)
        heading = passage.heading.rsplit(" > ", 1)[-1].strip()
        if not self.sure or not (explains or several or self.asserted):
            return None
        if self.asserted:
            return told_from(passage.text, self.words, heading or passage.title)
        listed = listing(passage.text, self.words, heading or passage.title) if several else None
        if listed is not None:
            return listed
        words, text = self.words, passage.text
        if self.named:  # its beginning is the answer, not what was found in it; some headings say the main thing
            words, text = "", f"{heading}\n\n{text}" if heading.endswith((".", "!")) else text
        said = explanation(question, text, words, f"{passage.title} {passage.heading}")
        return said if explains or said is not None and has_list(said) else None


def readable(question: str, passages: Sequence[Passage]) -> bool:
    """Return whether the reader was trained for this: it knows English alone.

    Words without a sentence around them count as English where an English passage's title names them.
    """
    if not all(is_english(passage.text) for passage in passages):
        return False
    return Question(question).english or asks_for_topic(question) and on_topic(question, passages) is not None


def read(
    reader: Reader,
    questions: Sequence[str],
    passages: Sequence[Passage],
    attached: Collection[str] = (),
    points_back: bool = False,
) -> Read:
    """Return the likeliest answer in `passages`, of which there is at least one; takes some 180 ms of a core for each.

    `questions`: what may be meant, at least one, the likelier first; a later one is read where no answer to
    those before it is sure. `attached`: chunks of files that the person gave; where one of them has an answer that is
    sure, others have to be clearly likelier, and do not count where the question `points_back` to what was said: the
    file goes on with "it" as people do, and who names the thing is likelier for that alone.
    """
    lead = inf if points_back else _CLEARLY
    best = _read(reader, questions[0], passages, attached, lead)
    for question in questions[1:]:
        if not best.sure:
            other = _read(reader, question, passages, attached, lead)
            best = max(best, other, key=lambda one: (one.sure, one.log_odds))
    return best


def _read(reader: Reader, question: str, passages: Sequence[Passage], attached: Collection[str], lead: float) -> Read:
    found = [
        _weighed(question, passage, reading)
        for passage, reading in zip(passages, reader.read(question, passages), strict=True)
    ]
    best = max(found, key=lambda one: one.log_odds)
    given = [one for one in found if one.passage.chunk_id in attached]
    own = max(given, key=lambda one: one.log_odds, default=None)
    if own is not None and own.sure and best.log_odds - own.log_odds <= lead:
        best, found = own, given
    for one in found:
        said = answered(question, one.passage)
        if said is not None:
            return replace(one, words=said, asserted=True)
    if asks_yes_or_no(question):
        best = _asserting(question, found) or replace(best, log_odds=best.log_odds - _UNTRAINED)
    # Of a whole topic its own page tells most; of anything else, where no passage seems to have the very words.
    whole = asks_for_topic(question, [passage.title for passage in passages]) or (
        not best.sure and (asks_for_explanation(question) or asks_for_several(question) or asks_for_whom(question))
    )
    return (_about(question, found) if whole else None) or best


def _weighed(question: str, passage: Passage, reading: Reading) -> Read:
    reading, said = cell_named(question, passage, reading)
    odds = _log_odds(question, passage, reading)
    odds = -inf if said == "other" else max(odds, _EVEN) if said == "whole" else odds
    return Read(question, passage, words(passage, reading), odds)


def _log_odds(question: str, passage: Passage, reading: Reading) -> float:
    likely = load().log_odds(features(Question(question), passage, reading)) - doubt(question, passage, reading)
    return max(likely, _EVEN) if entry_named(question, passage, reading) else likely


def _asserting(question: str, found: Sequence[Read]) -> Read | None:
    """Return the passage with the sentence that says most of a question for yes or no; the likelier one of equals."""
    said = {n: told for n, one in enumerate(found) if (told := assertion(question, one.passage)) is not None}
    place = max(said, key=lambda n: (said[n][1], found[n].log_odds), default=None)
    return None if place is None else replace(found[place], words=said[place][0], asserted=True)


def _about(question: str, found: Sequence[Read]) -> Read | None:
    """Return the passage whose title or heading names what is asked about, where it tells it in sentences or a list."""
    place = on_topic(question, [one.passage for one in found])
    about = None if place is None else replace(found[place], named=True)
    return about if about is not None and about.explanation is not None else None
