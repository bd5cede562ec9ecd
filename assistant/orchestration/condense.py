"""Follow-up questions made to stand alone, so that a search without memory understands them.

The rules here cost no model call: a question that points back ("its", "what about ...") takes along the names and topic
words of what it points to. A question that is merely short is searched for in both forms, because it may as well begin
something new. Larger models rewrite better than rules; `rewriting` makes the chat that asks one of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.guardrails.facts import names
from assistant.guardrails.sentences import MARK
from assistant.guardrails.words import STOP, stem, tokens
from assistant.orchestration.prompts import ChatPrompt, Message

_POINTS_BACK = re.compile(
    r"\b(?:it|its|itself|they|them|their|theirs|he|she|him|his|her|hers|this|that|these|those|there|ones?|former|latter"
    r"|such|others?|same)\b",
    re.I,
)
_PERSON = re.compile(r"\b(?:he|she|him|his|her|hers|who)\b", re.I)
_CARRIES_ON = re.compile(
    r"^\s*(?:and|or|but|so|then|also|why|what about|how about|what else|anything else|how come)\b", re.I
)
# "Is there ...", "that" after a verb: words that look as if they pointed back and do not.
_POINTS_NOWHERE = re.compile(
    r"\b(?:is|are|was|were) there\b|\bthere (?:is|are|was|were)\b|\b(?:say|says|mean|means|so) that\b", re.I
)
_GENERIC_WORDS = """
    tell main major type kind difference different describe explain compare example important popular common best good
    better work use used history know learn cause effect show need happen make made get find give list name role way
    help thing information impact purpose famous become start begin long big first people time like think want cost part
    include mean year latest last current recent please documents document question answer give
"""
_GENERIC = frozenset(stem(word) for word in _GENERIC_WORDS.split())
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


def condense(question: str, history: Sequence[Message]) -> Standalone:
    """Return `question` with what it points back to in `history` (oldest first); unchanged when it points nowhere."""
    topic = _topic(question, history[-_LOOK_BACK:])
    if not topic:
        return Standalone(question, (question,), "")
    combined = f"{question.rstrip()} ({topic})"
    if points_back(question):
        return Standalone(combined, (combined,), topic)
    if names(question) or len(_topic_words(question)) >= _SHORT_WORDS:
        return Standalone(question, (question,), "")
    return Standalone(question, (question, combined), topic)


def points_back(question: str) -> bool:
    """Return whether a question cannot be understood without what was said before it."""
    text = _POINTS_NOWHERE.sub(" ", question)
    return bool(_POINTS_BACK.search(text) or _CARRIES_ON.search(text)) or not _topic_words(question)


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
            topic = {stem(word.lower()): word for word in _topic_words(message.content)[:_TOPIC_WORDS]}
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
    return {stem(w.lower()): w for w in _words(text) if stem(w.lower()) in wanted}


def _topic_words(text: str) -> list[str]:
    return [w for w in _words(text) if w.lower() not in STOP and stem(w.lower()) not in _GENERIC]


def _words(text: str) -> list[str]:
    return [word.removesuffix("'s").removesuffix("’s") for word in re.findall(r"\w+(?:[.'’-]\w+)*", text)]
