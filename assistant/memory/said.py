"""What people say about themselves, read by rules alone: no model decides what is remembered. Pure functions.

Only the person's own words are ever looked at, never an answer, a document or a result, so that none of these can plant
a note.
"""

from __future__ import annotations

import re
from typing import Literal

from assistant.memory.errors import NoteUnusable

Kind = Literal["fact", "preference"]
MAX_CHARACTERS = 500
_MAX_SUGGESTED = 160

_REMEMBER = re.compile(
    r"(?:please\s+|could you\s+|can you\s+|bitte\s+)*"
    r"(?:remember|keep in mind|make a note|note down|take note|merke? dir|souviens-toi|recuerda)\s*"
    r"(?:[:,]\s*(?:that|dass|que)?\s*|\s(?:that|dass|que)\s+|\s(?=(?:my|i|we|our)\b))(?P<what>.+)",
    re.I | re.S,
)
_FORGET = re.compile(
    r"(?:please\s+|could you\s+|can you\s+)*forget\s+(?:that\s+|about\s+)?"
    r"(?:(?:everything|all|what)\b.*\b(?:me|i|my)\b|(?:my|i|i'm|me)\b).*",
    re.I | re.S,
)
# Statements about oneself that are likely to hold for longer than this conversation.
_STATEMENT = re.compile(
    r"(?:by the way,?\s+|fyi,?\s+)?(?P<what>(?:"
    r"i (?:work|live|am based|sit) (?:in|at|for|as|on|from)\b"
    r"|i'?m (?:based|located) in\b|i am (?:a|an|the)\b|i'?m (?:a|an|the)\b"
    r"|i (?:always |usually |generally )?prefer\b|i (?:manage|lead|report to)\b"
    r"|my (?:name|team|department|manager|boss|role|job title|office|site|location|cost cent(?:er|re)|time zone"
    r"|timezone|working hours|native language|language|project|customer number|employee number)\b"
    r"[^.!?]{0,60}?\s+(?:is|are)\b"
    r"|(?:please )?(?:always|never) (?:answer|reply|write|use|call|give)\b|call me\b"
    r")[^.!?\n]{2,})[.!]?",
    re.I,
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_PREFERENCE = re.compile(
    r"\b(?:prefer|(?:answer|reply|write|respond|explain)\b.*\b(?:in|with|as|to me|briefly|short)|call me"
    r"|always|never|keep (?:it|answers)|short answers|long answers|use (?:metric|formal|informal|bullet))\b",
    re.I,
)
# Of two notes with the same topic only one can hold: one has one manager, one office, one name.
_TOPICS = (
    re.compile(r"^(?:my|our)\s+(?P<topic>[\w' -]{2,80}?)\s+(?:is|are|was|were)\b", re.I),
    re.compile(r"^i\s+(?P<topic>live|work (?:in|at|for|as|from)|sit|report to|am based|am called)\b", re.I),
    re.compile(r"^(?P<topic>(?:please )?call me|(?:please )?(?:always )?(?:answer|reply) in)\b", re.I),
)
_SECRET = re.compile(
    r"\b(?:password|passwort|passphrase|pass phrase|pin(?: code)?|api[ -]?key|access token|private key|cvv|iban"
    r"|credit card(?: number)?)\b\s*(?:for\b[^.]{0,60}?)?(?:is|was|ist|:|=)",
    re.I,
)
_KEYS = re.compile(r"\b(?:sk-|ghp_|xox[bp]-|AKIA|key_|ses_)[A-Za-z0-9_-]{12,}|-----BEGIN ")


def to_remember(question: str) -> str | None:
    """Return what a question asks to be remembered ("Remember that ..."), None when it asks for something else."""
    text = question.strip()
    found = _REMEMBER.fullmatch(text)
    if found is None or text.endswith("?"):
        return None
    what = " ".join(found["what"].split()).rstrip(".! ")
    return what[:1].upper() + what[1:] if what else None


def to_forget(question: str) -> bool:
    """Return whether a message asks to forget something about the person."""
    return _FORGET.fullmatch(question.strip()) is not None and not question.strip().endswith("?")


def statements(question: str) -> list[str]:
    """Return at most two sentences of a message in which the person says something lasting about themselves."""
    found = []
    for sentence in _SENTENCE.findall(question):
        said = " ".join(sentence.split())
        stated = _STATEMENT.fullmatch(said)
        if stated and len(said) <= _MAX_SUGGESTED and not said.endswith("?") and not is_secret(said):
            what = stated["what"].strip()
            found.append(what[:1].upper() + what[1:])
    return found[:2]


def kind(text: str) -> Kind:
    """Return whether a note says how to answer, which counts for every question, or a fact that fits some."""
    return "preference" if _PREFERENCE.search(text) else "fact"


def topic(text: str) -> str:
    """Return what a note is about when only one such note can hold, in lower case; "" when several can."""
    for pattern in _TOPICS:
        found = pattern.match(" ".join(text.split()))
        if found:
            return found["topic"].lower().removeprefix("please ").removeprefix("always ")[:120]
    return ""


def checked(text: str) -> str:
    """Return a note's text in one line. Raises NoteUnusable when it is empty, too long, or tells a secret."""
    clean = " ".join(text.split())
    if not clean:
        raise NoteUnusable("The note is empty; write what to remember.")
    if len(clean) > MAX_CHARACTERS:
        raise NoteUnusable(f"The note has {len(clean)} characters; at most {MAX_CHARACTERS} are remembered.")
    if is_secret(clean):
        raise NoteUnusable("This looks like a password or a key, which has no place in a note; nothing was remembered.")
    return clean


def is_secret(text: str) -> bool:
    """Return whether a text tells a password or a key, which has no place in a prompt."""
    return bool(_SECRET.search(text) or _KEYS.search(text))
