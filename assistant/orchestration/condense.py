"""Follow-up questions made to stand alone, so that a search without memory understands them.

The rules here cost no model call: a question that points back ("its", "what about ...") becomes a whole one where rules
can put it together (restate.py), and takes along the names and topic words of what it points to where they cannot. A
question that is merely short is searched for in both forms, because it may as well begin something new. Larger models
rewrite better than rules; `rewriting` makes the chat that asks one of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.guardrails.facts import names
from assistant.guardrails.sentences import MARK
from assistant.guardrails.words import stem, tokens
from assistant.orchestration.prompts import ChatPrompt, Message
from assistant.orchestration.restate import EMPTY_IT, carried_on, in_place, leads_on, said_within, without_lead
from assistant.orchestration.subject import subject, topic_words, words_of

_POINTS_BACK = re.compile(
    r"\b(?:it|its|itself|they|them|their|theirs|he|she|him|his|her|hers|this|that|these|those|there|ones?|former|latter"
    r"|such|others?|same)\b",
    re.I,
)
_PERSON = re.compile(r"\b(?:he|she|him|his|her|hers|who)\b", re.I)
_CARRIES_ON = re.compile(
    r"^\s*(?:and|or|but|so|then|also|why(?=\W*$)|what about|how about|what else|anything else|how come)\b", re.I
)
# "Is there ...", "that" after a verb: words that look as if they pointed back and do not.
_POINTS_NOWHERE = re.compile(
    rf"\b(?:is|are|was|were) there\b|\bthere (?:is|are|was|were)\b|\b(?:say|says|mean|means|so) that\b|{EMPTY_IT}", re.I
)
_DEFINES = re.compile(
    r"^\s*(?:what|who)(?:['’]s|\s+(?:is|are|was|were))\s+(?:an?\s+)?\S+\s*\?*$|^\s*tell me about\b", re.I
)
_NAME_ALONE = re.compile(r"(?:[^\W\d_a-z][\w’'&.-]*)(?:\s+[^\W\d_a-z][\w’'&.-]*){0,4}")
_TOPIC_WORDS = 4
_NAME_WORDS = 4
_SHORT_WORDS = 3  # topic words, below which a question without a name may belong to what was said before
_SHORT_ANSWER = 15  # words of an answer that is little more than the name that was asked for
_LOOK_BACK = 8  # messages


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question that needs no history."""

    question: str  # what a model is asked
    queries: tuple[str, ...]  # what is searched for, best guess first; at least one
    topic: str  # what was added, "" if nothing
    either: str = ""  # what is meant if it belongs to what was said before; "" where `question` leaves no doubt


def condense(question: str, history: Sequence[Message]) -> Standalone:
    """Return `question` with what it points back to in `history` (oldest first); unchanged when it points nowhere."""
    history = history[-_LOOK_BACK:]
    topic, said = _topic(question, history), _said(history)
    whole = _whole(question, said)
    if whole is not None:
        return Standalone(whole, (whole, f"{whole} ({topic})") if topic else (whole,), topic or whole)
    if not topic:
        return Standalone(question, (question,), "")
    leads, question = leads_on(question), without_lead(question)
    combined = f"{question.rstrip()} ({topic})"
    if points_back(question) or leads and len(topic_words(question)) < 2:
        return Standalone(combined, (combined,), topic)
    if names(question) or len(topic_words(question)) >= _SHORT_WORDS:
        return Standalone(question, (question,), "")
    return Standalone(question, (question, combined), topic, f"{question.rstrip()} ({said.thing or topic})")


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said so far: the last question as a whole, and what a pronoun after it means."""

    question: str = ""
    thing: str = ""
    person: str = ""


def _said(history: Sequence[Message]) -> _Said:
    said = _Said()
    for message in history:
        if message.role == "user":
            said = _asked(message.content, said)
        elif message.role == "assistant":
            said = _answered(message.content, said)
    return said


def _asked(question: str, said: _Said) -> _Said:
    whole = _whole(question, said)
    if whole is None and points_back(question) and said.thing:
        return said
    own = subject(whole or question)
    new = whole is None or bool(carried_on(question, said.question))
    sets = new and own and (not said.thing or bool(names(own)) or len(topic_words(own)) > 1 or _DEFINES.match(question))
    return _Said(whole or question, own if sets else said.thing, said.person)


def _answered(answer: str, said: _Said) -> _Said:
    """Return what was said with who or what a short answer names."""
    named = _NAME_ALONE.fullmatch(MARK.sub("", answer).replace("**", "").strip(" ."))
    if named is None:
        return said
    if re.match(r"who\b", said.question, re.I):
        return replace(said, person=named[0])
    return replace(said, thing=named[0]) if re.match(r"(?:which|what)\b", said.question, re.I) else said


def _whole(question: str, said: _Said) -> str | None:
    """Return a follow-up as a whole question; None for other questions, and where no rule fits."""
    return carried_on(question, said.question) or in_place(question, said.thing, said.person)


def points_back(question: str) -> bool:
    """Return whether a question cannot be understood without what was said before it."""
    text = _POINTS_NOWHERE.sub(" ", question)
    if said_within(question):
        return bool(_CARRIES_ON.search(text))
    return bool(_POINTS_BACK.search(text) or _CARRIES_ON.search(text)) or not topic_words(question)


def rewriting(prompt: ChatPrompt, question: str, history: Sequence[Message]) -> tuple[Message, ...]:
    """Return the chat that asks a model to rewrite `question` so that it stands alone."""
    said = "\n".join(f"{m.role.capitalize()}: {MARK.sub('', m.content).strip()}" for m in history[-_LOOK_BACK:])
    return (Message("system", prompt.system), Message("user", prompt.filled(history=said, question=question)))


def rewritten(reply: str, question: str) -> str | None:
    """Return the stand-alone question in a model's reply, or None when the reply is not one."""
    lines = [line.strip(" \"'`*") for line in reply.strip().splitlines() if line.strip()]
    line = re.sub(r"^(?:stand-?alone |rewritten )?question:\s*", "", lines[0], flags=re.I).strip("\"'") if lines else ""
    refused = line.lower().startswith(("i ", "sorry", "as an"))
    usable = 2 <= len(line.split()) <= 3 * len(question.split()) + 30
    return line if usable and not refused else None


def _topic(question: str, history: Sequence[Message]) -> str:
    found: dict[str, str] = {}
    if _PERSON.search(question) or points_back(question):
        found |= _answer_names(history)
    for message in reversed(history):
        if message.role == "user" and (named := _named(message.content)):
            found |= {key: word for key, word in list(named.items())[:_NAME_WORDS] if key not in found}
            break
    for message in reversed(history):
        if message.role == "user" and not points_back(message.content):
            topic = {stem(word.lower()): word for word in topic_words(message.content)[:_TOPIC_WORDS]}
            found |= {key: word for key, word in topic.items() if key not in found}
            break
    asked = {stem(word) for word in tokens(question)}
    return " ".join(word for key, word in found.items() if key not in asked)


def _answer_names(history: Sequence[Message]) -> dict[str, str]:
    """Return the names in the last answer when it is short: a pronoun after it means them as likely as not."""
    last = next((m.content for m in reversed(history) if m.role == "assistant"), "")
    return _named(MARK.sub("", last)) if 0 < len(last.split()) <= _SHORT_ANSWER else {}


def _named(text: str) -> dict[str, str]:
    """Return the names in a text, stem to spelling, in order."""
    wanted = names(text)
    return {stem(w.lower()): w for w in words_of(text) if stem(w.lower()) in wanted}
