"""Questions about a whole topic, and the passage whose title or heading names it.

"What is the parental leave policy?" is answered by what the page *Parental leave* says first. The reader, which was
trained to find a few words, prefers whatever passage mentions the thing in a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from assistant.guardrails.facts import facts
from assistant.guardrails.support import within
from assistant.guardrails.words import STOP, content, stem, tokens
from knowledge.rarity import rarity
from knowledge.types import Passage

# What a page about the topic need not say: what is wanted of it, what kind of text it is, and whose.
_UNSAID = frozenset(
    content(
        """describe eligible entitled explain give happen know mean need outline qualify summarize tell want work
        criteria detail eligibility guideline information list overview page policies procedure process requirement
        rules step summary type company companies employees employer firm official organisation organization staff
        team"""
    )
)
_NAMED = 0.6  # of the topic's words, rare ones counting more, that title and heading have at least
_ABOUT = 0.3  # of the words of title and heading that are the topic's at least
_SHORT = 5  # words that a name in initials stands for at most
_ROOT = 5  # letters that two words share from the first on, of which one is the other with an ending

_WORD = r"(?!of\b)[\w'’/&-]++"  # possessive, here and below: a long word must not be tried in all its parts
_THING = rf"(?:(?:the|an?|our|my|your|its|their|this|that)\s+)?{_WORD}(?:\s++{_WORD}){{0,5}}"
_WHOLE = re.compile(
    rf"""^(?:
      what(?:\s+(?:is|are|was|were)|['’]s)\s+{_THING}
    | how\s+(?:do|does|did)\s+{_THING}(?<=\swork|works)
    | what\s+(?:do|does|did)\s+{_THING}(?<=\sdo)
    | what\s+happens\s+(?:on|at|in|during|after|before|with)\s+{_THING}
    | (?:please\s+)?(?:tell\s+me\s+(?:all\s+|more\s+)?about|explain|describe|summari[sz]e|outline)\s+{_THING}
    | (?!(?:what|who|whom|whose|when|where|which|how|why|is|are|was|were|do|does|did|can|could|should|may|will|would
        |has|have|please|tell|give|show|list|name)\b)[\w'’/&-]++(?:\s++[\w'’/&-]++){{0,4}}
    )\s*[?.!]*$""",
    re.IGNORECASE | re.VERBOSE,
)


def asks_for_topic(question: str, titles: Collection[str] = ()) -> bool:
    """Return whether a whole topic is asked for: "what is the leave policy", "how do reviews work", "what do sales do".

    `titles` are one thing each, however they are put: "what is the code of conduct".
    """
    asked = question.strip().casefold()
    for title in titles:
        if " " in title:
            asked = asked.replace(title.casefold(), "it")
    return _WHOLE.match(asked) is not None


_WHOM = re.compile(r"^(?:and\s+)?who\s+(?:(?:is|are)\s+(?:eligible|entitled)|qualif(?:y|ies)|gets?)\b", re.IGNORECASE)


def asks_for_whom(question: str) -> bool:
    """Return whether it is asked whom a thing is for: pages say so where they say what it is, in other words."""
    return _WHOM.match(question.strip()) is not None


def topic_of(question: str) -> dict[str, str]:
    """Return the stems of the words that tell what a question is about, by word; not what pages leave unsaid."""
    asked = {word: stem(word) for word in tokens(question) if word not in STOP}
    return {word: root for word, root in asked.items() if root not in _UNSAID} or asked


def on_topic(question: str, passages: Sequence[Passage]) -> int | None:
    """Return the place of the passage whose title and heading name what is asked about; None where none does.

    `passages`: best first. The passage has all words of the topic, those that its title and heading lack in its text.
    Of several documents it is of the one that is about little else; of its passages the one nearest to its beginning,
    where its title says more ("Vacation and sick leave") of those with the topic in their text.
    """
    topic = topic_of(question)
    named = [_named(topic, passage) if topic else 0.0 for passage in passages]
    # "What is not covered?" is told below another heading than "What is covered?".
    denied = facts(question).denies
    same = [
        worth * (facts(p.heading.rsplit(" > ", 1)[-1]).denies == denied)
        for worth, p in zip(named, passages, strict=True)
    ]
    named = same if any(same) else named
    most = max(named, default=0.0)
    if not most:
        return None
    first = passages[named.index(most)]
    best = [n for n, one in enumerate(passages) if named[n] and one.document_id == first.document_id]
    if not all(among(root, frozenset(topic.values())) for root in _said(first.title)):
        best = [n for n in best if _has(topic, frozenset(content(passages[n].text)))] or best
    return min(best, key=lambda n: passages[n].place)


def _named(topic: Mapping[str, str], passage: Passage) -> float:
    """Return how much title and heading are about `topic` (stems by word), 0..1; 0.0 where that is too little."""
    heading = passage.heading.rsplit(" > ", 1)[-1]
    labels = [_said(f"{passage.title} {heading}"), _initials(passage.title), _initials(heading)]
    if len(topic) > 1:  # one word alone is in many a heading of pages about something else
        labels.append(_said(heading))
    if not _has(topic, frozenset(content(passage.text)).union(*labels)):
        return 0.0
    return max(_worth(topic, label) for label in labels)


def _worth(topic: Mapping[str, str], label: frozenset[str]) -> float:
    """Return how much of the topic `label` has, times how much of it is the topic; 0.0 where one of them is little."""
    told = {word: rarity(word) for word in topic}
    share = sum(told[word] for word, root in topic.items() if among(root, label)) / sum(told.values())
    about = sum(among(root, frozenset(topic.values())) for root in label) / len(label) if label else 0.0
    return share * about if share >= _NAMED and about >= _ABOUT else 0.0


def _said(label: str) -> frozenset[str]:
    said = frozenset(content(label))
    return said - _UNSAID or said


def _initials(label: str) -> frozenset[str]:
    """Return what a name of three words or more is called for short: "okr" for "Objectives and Key Results"."""
    words = [word for word in tokens(label) if word not in STOP]
    return frozenset({stem("".join(word[0] for word in words))} if 3 <= len(words) <= _SHORT else ())


def _has(topic: Mapping[str, str], given: frozenset[str]) -> bool:
    return all(among(root, given) for root in topic.values())


def among(root: str, given: frozenset[str]) -> bool:
    """Return whether the stem `root` is among `given`, with an ending more or less: "paid" is not "pay"."""
    return within(root, given) or any(
        min(len(root), len(other)) >= _ROOT and (root.startswith(other) or other.startswith(root)) for other in given
    )
