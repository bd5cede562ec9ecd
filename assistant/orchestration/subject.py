"""What a question is about, found by rules: the words that tell it, and the phrase that a pronoun after it stands for.

The rules know English alone, and no grammar but the order of words in questions.
"""

from __future__ import annotations

import re

from assistant.guardrails.words import STOP, stem

Span = tuple[int, int]  # first and last character

_WORD = re.compile(r"\w+(?:[.'’-]\w+)*")
_ARTICLES = frozenset(["the", "a", "an", "my", "our", "your"])
_OWNED = re.compile(r"(?:'s|’s)$")
_GENERIC_WORDS = """
    tell main major type kind difference different describe explain compare example important popular common best good
    better work use used history know learn cause effect show need happen make made get find give list name role way
    help thing information impact purpose famous become start begin long big first people time like think want cost part
    include mean year latest last current recent please documents document question answer give
"""
_GENERIC = frozenset(stem(word) for word in _GENERIC_WORDS.split())
_HEAD_WORDS = "information cost list name part role kind type question answer documents document year people"
_HEADS = frozenset(_HEAD_WORDS.split())  # of those, the ones that belong to the word before: "personal information"
_QUALITY_WORDS = "main major different important popular common best good better used big long first last latest"
_QUALITIES = frozenset(_QUALITY_WORDS.split())
_ASKS_BY_DOING = re.compile(r"\b(?:do|does|did|can|could|should|must|may|will|would)\s+(?!i\b|we\b|you\b|one\b)", re.I)
_OF = re.compile(r"\s+of(?:\s+\w+){0,2}\s+")
_CONTRACTED = re.compile(r"n['’]t$|['’](?:m|re|ve|ll|d)$")
_DONE = re.compile(r"(?:ed|held|paid|given|made|taken|found)$")
_BEING = re.compile(r"\b(?:is|are|was|were|be|been)\b", re.I)
_VERB_FOLLOWS = re.compile(r"\b(?:(?:do|did|can|could|should|must|may|will|would)\s+(?:i|we|you|one))\s+$", re.I)
_TO = re.compile(r"\bto\s+$", re.I)
_WHO = re.compile(r"who\s+", re.I)
# Verbs that follow their subject without a word between; a capital letter tells the others.
_VERB_WORDS = """
    accrue allow apply begin belong come contain contribute cost cover do end expire fit give go have hold include last
    look match need offer own pay permit protect provide reimburse require run sell send start stop subsidize support
    take treat use vest weigh work
"""
_VERBS = frozenset(_VERB_WORDS.split())
_VERBS_WITHOUT_CONTENT = frozenset(["be", "have", "do", "get", "need", "make", "become"])


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are written, without a possessive ending."""
    return [_OWNED.sub("", found[0]) for found in _WORD.finditer(text)]


def topic_words(text: str) -> list[str]:
    """Return the words that tell what a question is about, in order: no function words, none that fit any subject."""
    return [word for run in runs(text) for word in words_of(text[run[0] : run[1]])]


def runs(text: str) -> list[Span]:
    """Return where words that tell the subject stand in a row, in order, from first to last character."""
    found: list[tuple[int, int]] = []
    matches = list(_WORD.finditer(text))
    follows = False  # whether the word after this one tells the subject
    for n, match in reversed(list(enumerate(matches))):
        bare = _OWNED.sub("", match[0].lower())
        generic = stem(bare) in _GENERIC
        if generic and bare.endswith("ing") and follows:
            generic = False  # "the learning budget"
        elif generic and bare in _HEADS and n:
            before = matches[n - 1][0].lower()
            generic = before in STOP or stem(before) in _GENERIC
        measures = n > 0 and matches[n - 1][0].lower() == "how"  # "How often ...?"
        follows = bare not in STOP and not (generic or measures or _CONTRACTED.search(bare))
        if not follows:
            continue
        if found and not text[match.end() : found[-1][0]].strip(" -/&"):
            found[-1] = (match.start(), found[-1][1])
        else:
            found.append((match.start(), match.end()))
    return found[::-1]


def subject(question: str) -> str:
    """Return the phrase that a question is about, with its article; "" when it has none.

    "days of bereavement leave" is about bereavement leave, "What does the basic plan cover?" about the basic plan.
    """
    place = place_of_subject(question)
    if place is None:
        return ""
    start, end = place
    for also in (_QUALITIES, _ARTICLES):
        before = list(_WORD.finditer(question[:start]))
        if before and before[-1][0].lower() in also and not question[before[-1].end() : start].strip():
            start = before[-1].start()
    return _OWNED.sub("", question[start:end])


def place_of_subject(question: str) -> Span | None:
    """Return where the phrase that a question is about stands, without its article; None when it has none."""
    found = runs(question)
    found = _without_own_verbs(question, found) or found
    doing = _ASKS_BY_DOING.search(question)
    who = _WHO.match(question)
    if doing is not None:
        found = _without_verb(question, found, doing.end())
    elif who is not None and found and found[0][0] == who.end():
        found = [*_rest(question, found[0], 1), *found[1:]] or found
    elif found and _BEING.search(question):
        found = [*found[:-1], _not_done(question, found[-1])]
    for n, (start, end) in enumerate(found):
        if n + 1 == len(found) or not _OF.fullmatch(question[end : found[n + 1][0]]):
            return start, end
    return None


def _not_done(question: str, run: Span) -> Span:
    """Return a run without the participle that ends it: "Where are performance reviews held?"."""
    words = list(_WORD.finditer(question, *run))
    last = len(words) > 1 and _DONE.search(words[-1][0]) and not words[-1][0][0].isupper()
    return (run[0], words[-2].end()) if last else run


def _without_own_verbs(question: str, found: list[Span]) -> list[Span]:
    """Return the runs without the verbs after "can I" and "to", and without participles that stand alone."""
    left: list[Span] = []
    for run in found:
        words = list(_WORD.finditer(question, *run))
        if _VERB_FOLLOWS.search(question[: run[0]]):
            left += _rest(question, run, 1)
        elif len(words) > 1 or not (_DONE.search(words[0][0]) or _TO.search(question[: run[0]])):
            left.append(run)
    return left


def _without_verb(question: str, found: list[Span], begin: int) -> list[Span]:
    """Return the runs without the verb after "does", and without who does it where something is said of what is done.

    "Does the basic plan cover eye exams?" is about eye exams, "What does the basic plan cover?" about the basic plan.
    """
    at = next((n for n, (start, _) in enumerate(found) if start >= begin), None)
    if at is None:
        return found
    run, others = found[at], [*found[:at], *found[at + 1 :]]
    words = [match[0] for match in _WORD.finditer(question, *run)]
    after = _WORD.match(question, run[1] + 1)
    if after is not None and after[0].lower() in _VERBS_WITHOUT_CONTENT:
        return found
    verb = next((n for n, word in enumerate(words) if n and word.lower() in _VERBS), None)
    if verb is None:
        named = next((n for n, word in enumerate(words) if not word[0].isupper()), 0)
        verb = named or len(words) - 1
    done = [*_rest(question, run, verb + 1), *others]
    who = [(run[0], list(_WORD.finditer(question, *run))[verb - 1].end())] if verb else []
    return done or who or found


def _rest(question: str, run: Span, first: int) -> list[Span]:
    """Return `run` from its word number `first` on, as a list that is empty when there is none."""
    words = list(_WORD.finditer(question, *run))
    return [(words[first].start(), run[1])] if first < len(words) else []
