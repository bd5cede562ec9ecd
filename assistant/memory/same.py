"""Of two statements about the same thing the later one holds: told by rules, on the words alone. Pure functions."""

from __future__ import annotations

import re

from assistant.guardrails.words import stem, tokens

_WHERE = r"[\w' -]{2,40}?(?P<topic>office|site|location|branch)\b"
# Of two notes with the same topic only one can hold: one has one manager, one office, one name.
_TOPICS = (
    re.compile(rf"^i(?:'m| am)?\s+(?:now\s+)?(?:work|sit|based)\s+(?:now\s+)?(?:in|at|from)\s+{_WHERE}", re.I),
    re.compile(rf"^i(?:'ve| have)?\s+moved\s+to\s+{_WHERE}", re.I),
    re.compile(r"^(?:my|our)\s+(?P<topic>[\w' -]{2,80}?)\s+(?:is|are|was|were)\b", re.I),
    re.compile(r"^i\s+(?:now\s+)?(?P<topic>live|work (?:in|at|for|as|from)|sit|report to|am based|am called)\b", re.I),
    re.compile(r"^(?P<topic>(?:please )?call me|(?:please )?(?:always )?(?:answer|reply) in)\b", re.I),
)  # fmt: skip
_MOVED_HOME = re.compile(r"^i(?:'ve| have)?\s+moved\s+to\b", re.I)
_SUBJECT = re.compile(r"^(?:my|our|the|this)\s+([\w' -]{2,80}?)\s+(?:is|are|was|were|has|have)\b", re.I)
_UPDATES = re.compile(r"\b(?:now|moved|changed|from now on|instead|since today|new)\b", re.I)
_CLAUSE = re.compile(r"[;,.:]\s+(?:and\s+|so\s+|but\s+)?|\s+(?:and|so|but)\s+", re.I)
_NEGATED = re.compile(r"\b(?:not|never|no longer|no more)\b|n['’]t\b", re.I)
_ENDED = re.compile(r"\b(?:any ?more|any ?longer|no longer|no more)\b", re.I)
_VALUE = re.compile(r"\b(?:is|are|was|were)\s+(?:(?:now|called|the|in|at)\s+)*([\w'-]+)")
# Words that say when and whether something holds, not what.
_WHETHER = """
    not never no longer any anymore more now again still yet do does did don doesn didn isn aren am is are was were i my
    the a an t m to in at of it that
"""
_HOLDS = frozenset(_WHETHER.split())


def topic(text: str) -> str:
    """Return what a note is about when only one such note can hold, in lower case; "" when several can.

    A note that says that something changed ("I moved; my office is now in Linz") is about what it is now.
    """
    flat = " ".join(text.replace("’", "'").split())
    clauses = [flat, *(_CLAUSE.split(flat) if _UPDATES.search(flat) else ())]
    for clause in clauses:
        for pattern in _TOPICS:
            found = pattern.match(clause)
            if found:
                return found["topic"].lower().removeprefix("please ").removeprefix("always ")[:120]
        if _MOVED_HOME.match(clause):
            return "live"
    return ""


def takes_place_of(new: str, old: str) -> bool:
    """Return whether of two statements only `new`, the later one, holds: the same again, its denial, or an update."""
    if _flat(new) == _flat(old):
        return True
    about = topic(new)
    if about and about == topic(old) and not _says_how(new, old):
        return True
    return _denies(new, old) or _updates(new, old)


def _says_how(new: str, old: str) -> bool:
    """Return whether the old note names something, and the new one only says how it is: "My wife is not well"."""
    said, before = _VALUE.search(new), _VALUE.search(old)
    return said is not None and before is not None and said[1].islower() and not before[1].islower()


def _denies(new: str, old: str) -> bool:
    if bool(_NEGATED.search(new)) == bool(_NEGATED.search(old)):
        return False
    said, before = _claim(new), _claim(old)
    return said == before != set() or bool(said) and bool(_ENDED.search(new)) and said < before


def _updates(new: str, old: str) -> bool:
    if not _UPDATES.search(new):
        return False
    before = _SUBJECT.match(" ".join(old.split()))
    about = (_SUBJECT.match(clause) for clause in (" ".join(new.split()), *_CLAUSE.split(new)))
    return before is not None and any(one is not None and one[1].lower() == before[1].lower() for one in about)


def _claim(text: str) -> set[str]:
    whole = re.sub(r"n['’]t\b", " not", re.sub(r"['’]m\b", " am", text))
    return {stem(word) for word in tokens(whole) if word not in _HOLDS}


def _flat(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".! ")
