"""Follow-ups put into whole questions: the thing that a pronoun stands for in its place, a new thing in the old frame.

"When must it be taken?" becomes "When must new parent leave be taken?", and "And sick days?" after "How many vacation
days do I get?" becomes "How many sick days do I get?". A reader answers those better than the bare words with the
topic behind them (docs/experiments/2026-11-follow-ups.md). The rules know English alone.
"""

from __future__ import annotations

import re

from assistant.guardrails.facts import names
from assistant.orchestration.subject import Span, place_of_subject, runs, topic_words, words_of

_ASPECT = re.compile(
    r"^(?:what|which)\s+(?:is|are|was|were)\s+(?:\w+\s+){0,3}"
    r"(?:types?|kinds?|parts?|examples?|differences?|causes?|effects?|impacts?|roles?|purposes?|costs?|names?|best)\s*\?*$",
    re.I,
)
_PREPOSITIONS = (
    "for|in|on|at|with|without|under|during|after|before|while|when|if|from|to|by|until|till|since|within|outside|inside"
    "|between|over|through|throughout|above|below|beyond|via|per|due to|because of|as of"
)
# Words that say where or when by themselves: "And abroad?"
_WHERE_OR_WHEN = r"abroad|overseas|online|offline|internationally|locally|elsewhere|today|tomorrow|tonight|now|later"
_TOO = re.compile(r"[\s,]+(?:too|as well|also)$", re.I)
# "Is it possible to ...": an "it" that stands for nothing.
EMPTY_IT = (
    r"\b(?:is|was|would|will) it (?:be )?(?:\w+ )?"
    r"(?:possible|allowed|permitted|ok|okay|necessary|required|mandatory|true|safe|legal|better|worth|enough|fine)\b"
    r".*\b(?:to|that|for|if)\b|\bdoes it (?:take|cost)\b.*\bto\b"
)
_EMPTY = re.compile(EMPTY_IT, re.I)
# What a pronoun stands for may be named in the same question: "Who were the electors, and what did they do?"
_WITHIN = re.compile(r"^([^,]*?\w)(?:,| and| but| or)\s.*?\b(?:it|its|they|them|their|he|she|him|her|his)\b", re.I)
# "this", "that", "these": they stand for something where no noun follows.
_POINTER = re.compile(
    r"\b(?:it|they|them|(?:this|that|these|those)(?=\s*[?.!]*$))(?!['’]\w)\b"
    r"|(?<=^is )(?:that|this)\b|(?<=^are )(?:these|those)\b|(?<=^does )that\b(?=\s(?:mean|include|apply|count)\b)",
    re.I,
)
_DO_IT = re.compile(r"\bdo (?:it|this|that|so)\b", re.I)  # what is meant is an action
_PERSON = re.compile(r"\b(?:he|she|him|her(?=\s*[?.!,]))\b", re.I)
_ONE = re.compile(r"(?<=\s)one(?=\s*[?.!]*$)", re.I)
_OWNING = re.compile(r"\b(?:its|their|his|her|he|she|they)\b", re.I)
_OWNER = re.compile(r"\b(?:its|their)\s+(?=\w)", re.I)
_PERSON_OWNER = re.compile(r"\b(?:his|her)\s+(?=\w)", re.I)
_LEAD = re.compile(r"^\s*(?:and|or|but|so|then)?[\s,]*(?:(?:what|how)\s+about\s+)?", re.I)
_LEAD_WORD = re.compile(r"^\s*(?:and|or|but|so|then)[\s,]+(?=\w)", re.I)
_ASKS = re.compile(
    r"^(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|am|do|does|did|can|could|should|must|may|will"
    r"|would|has|have|had|tell|explain|describe|give|list|name|show)\b",
    re.I,
)
# "How long is the return period?", "What about opened items?": no other thing of the kind, but what the one is for.
_ONE_RULE = re.compile(r"^(?!how (?:much|many)\b).*\b(?:is|was)\s+$", re.I)
_KINDS = re.compile(r"(?!(?:the|an?|my|our|your|this|that|these|those)\b)(?:[\w’'-]+\s+)*\w+[^\Wsui]s", re.I)
_LONG = 5  # words that tell the subject, from which on a question names what its pronouns stand for
_MOST_CHARACTERS = 400  # of a question that may be a follow-up; patterns are not tried on longer ones
_LONGEST_END = 3  # words after a preposition at the end of a question that others may take the place of
_LONGEST_NEW = 6  # words that may take the place of others in a question


def in_place(question: str, thing: str, person: str) -> str | None:
    """Return `question` with `thing`, or `person`, in place of the pronouns; None when it has none that can be."""
    if said_within(question) or _EMPTY.search(question) or _DO_IT.search(question):
        return None
    if thing and _ASPECT.match(question) and not topic_words(question):
        return f"{without_lead(question).rstrip(' ?')} of {thing}?"
    said, count = question, 0
    owners, others = ((_OWNER, thing), (_PERSON_OWNER, person)), ((_POINTER, thing), (_ONE, thing), (_PERSON, person))
    for pattern, name, ending in [*((*pair, "’s ") for pair in owners), *((*pair, "") for pair in others)]:
        if name:
            said, replaced = pattern.subn((name + ending).replace("\\", ""), said)
            count += replaced
    return without_lead(said) if count else None


def said_within(question: str) -> bool:
    """Return whether the pronouns of a question stand for something that it names itself, as far as rules can tell."""
    if len(question) > _MOST_CHARACTERS or len(topic_words(question)) >= _LONG:
        return True
    found, owner = _WITHIN.search(question), _OWNING.search(question)
    if owner is not None and names(question[: owner.start()]):
        return True
    return found is not None and bool(topic_words(question[: found.end(1)]))


def leads_on(question: str) -> bool:
    """Return whether a question begins with "And" or the like."""
    return _LEAD_WORD.match(question) is not None


def without_lead(question: str) -> str:
    """Return `question` without the "And" in front of it."""
    said = _LEAD_WORD.sub("", question)
    return question if said == question else said[:1].upper() + said[1:]


def carried_on(question: str, before: str) -> str | None:
    """Return what "And X?", "What about X?" or "For X too?" asks, in the words of the whole question `before`.

    None for other questions.
    """
    if len(question) > _MOST_CHARACTERS or len(before) > _MOST_CHARACTERS:
        return None
    lead = _LEAD.match(question)
    new = question[lead.end() if lead else 0 :].strip().rstrip("?.! ")
    told = _TOO.sub("", new)
    if lead is None or not (lead[0].strip() or told != new) or _ASKS.match(new) or len(new.split()) > _LONGEST_NEW:
        return None
    whole = before.strip().rstrip("?.! ")
    first = re.match(rf"(?:{_WHERE_OR_WHEN})$|(?:{_PREPOSITIONS})\b(?=\s)", told, re.I)
    if first and (first.end() == len(told) or runs(told)):
        return f"{_without_end(whole, first[0])} {first[0].lower()}{told[first.end() :]}?"
    if not lead[0].strip() or not runs(new):
        return None
    place = _counterpart(whole)
    if place is None:
        return None
    start, end = place
    if _ONE_RULE.search(whole[:start]) and whole[start:end].lower().startswith("the ") and _KINDS.fullmatch(new):
        return f"{whole} for {new}?"
    new = re.sub(r"\bones?$", words_of(whole[start:end])[-1], new)
    return f"{whole[:start]}{new}{whole[end:]}?"


def _without_end(whole: str, word: str) -> str:
    """Return `whole` without what it says last after the preposition `word`: "in France" takes the place of another."""
    said = re.escape(word)
    return re.sub(rf"(?<=\w)\s+{said}(?:\s+(?!{said}\b)[\w’'.-]+){{1,{_LONGEST_END}}}$", "", whole, flags=re.I)


def _counterpart(whole: str) -> Span | None:
    """Return where in `whole` a new thing takes its place: the subject, with its article."""
    place = place_of_subject(whole)
    if place is None:
        return None
    article = re.search(r"\b(?:the|a|an|my|our|your)\s+$", whole[: place[0]], re.I)
    return article.start() if article else place[0], place[1]
