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
    r"|i(?:'ve| have)? moved\b|i (?:no longer|don['’]t) (?:work|live)\b|i(?: a|['’])m (?:not |no longer )?allergic to\b"
    r"|i'?m (?:based|located) in\b|i am (?:a|an|the)\b|i'?m (?:a|an|the)\b"
    r"|i (?:always |usually |generally )?prefer\b|i (?:manage|lead|report to)\b"
    r"|my (?:name|team|department|manager|boss|role|job title|office|site|location|cost cent(?:er|re)|time zone"
    r"|timezone|working hours|native language|language|project|customer number|employee number)\b"
    r"[^.!?]{0,60}?\s+(?:is|are)\b"
    r"|(?:please )?(?:always|never) (?:answer|reply|write|use|call|give)\b|call me\b"
    r")[^.!?\n]{2,})[.!]?",
    re.I,
)
# Statements about the work at hand, which are noted and no question for the documents.
_NAMED = re.compile(
    r"(?i:(?:by the way,?\s+|fyi,?\s+)?(?:the|our|this)\s+(?:[\w'-]+\s+){0,3}"
    r"(?:code|number|name|deadline|budget|date|sponsor|owner|lead|manager)\s+(?:is|are)\s+(?:now\s+)?)"
    r"(?=[^.!?]*[A-Z\d])[^?!\n]{2,60}"
)
# What is acknowledged and asked of no document: a name, a number or a place for one thing, and nothing beside it. "My
# manager is harassing me" and "I am a contractor, do I get sick leave" are no such statements.
_VALUE = r"(?:(?i:now|called|the|in|at) ){0,3}(?=[A-Z\d])[\w'.&/-]+(?: [\w'.&/-]+){0,3}"
_PLAIN = re.compile(
    r"(?i:by the way,? |fyi,? )?(?i:i(?:'ve| have)? moved[;,.] (?:and )?)?"
    rf"(?:(?i:my|our) [\w' -]{{2,40}}? (?i:is|are) {_VALUE}"
    rf"|(?i:i(?:'m| am)? (?:now )?(?:work|live|sit|based|report) (?:in|at|for|to|from)) {_VALUE}"
    r"(?i: office| site| branch)?"
    r"|(?i:i(?:'m| am) (?:not |no longer )?allergic to) [\w-]+(?: [\w-]+)?(?i: any ?more)?)[.!]?"
)
_WANTS = re.compile(
    r"\b(?:how|what|where|when|which|who|why|whether|can|could|should|need|want|please|help|tell|show|do i|am i|may i"
    r"|is it|is there|allowed|and|but)\b|\?",
    re.I,
)
_ASKS_FOR_NOTES = re.compile(
    r"(?:please\s+)?"
    r"(?:what (?:do|did) you (?:know|remember|have|store|keep) (?:stored |saved |kept )?(?:about|of|on) me"
    r"|what have you (?:remembered|stored|kept|saved|learned|learnt) (?:about|of) me"
    r"|what (?:is|was) (?:remembered|stored|known|kept) (?:about|of) me"
    r"|(?:show|list|tell me)(?: me)?(?: all)?(?: of)?"
    r" (?:my (?:own )?(?:notes|memories)|what you (?:know|remember) (?:about|of) me)"
    r"|was wei(?:ß|ss)t du (?:ü|ue)ber mich|que sais-tu (?:de|sur) moi|qu[ée] sabes de m[íi])"
    r"(?: (?:so far|now|already))?\W*",
    re.I,
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_PREFERENCE = re.compile(
    r"\b(?:prefer|(?:answer|reply|write|respond|explain)\b.*\b(?:in|with|as|to me|briefly|short)|call me"
    r"|always|never|keep (?:it|answers)|short answers|long answers|use (?:metric|formal|informal|bullet))\b",
    re.I,
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


def asks_for_notes(question: str) -> bool:
    """Return whether a message asks what is remembered of the person ("What do you know about me?")."""
    return _ASKS_FOR_NOTES.fullmatch(question.strip()) is not None


def only_states(message: str) -> bool:
    """Return whether a message does nothing but tell a fact or two, and asks for nothing."""
    text = message.strip()
    if _WANTS.search(text):
        return False
    if _NAMED.fullmatch(text):
        return True
    sentences = [" ".join(one.split()) for one in _SENTENCE.findall(text) if one.strip()]
    return 0 < len(sentences) <= 2 and all(_PLAIN.fullmatch(one) and kind(one) == "fact" for one in sentences)


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
