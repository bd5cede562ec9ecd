"""Greetings, thanks and questions about the assistant itself: answered from a fixed text, no search, no model.

A small model would answer "Hello!" with an abstention or an invention; neither helps anybody.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["greeting", "thanks", "goodbye", "about"]

# The whole message, lower case and without punctuation, has to match.
_ABOUT = (
    r"(?:hi |hello |hey )?(?:who|what) are you|what (?:can|do) you do|what can i ask(?: you)?|what is this|help"
    r"|how (?:can|could) you help(?: me)?|can you help(?: me)?|how do you work|what do you know"
    r"|are you (?:an? )?(?:human|robot|bot|ai|chatbot)"
    r"|wer bist du|was kannst du|qui es[- ]tu|que peux[- ]tu faire|qui[eé]n eres|qu[eé] puedes hacer"
)
_GREETING = (
    r"(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|what'?s up|test|testing|ping"
    r"|how are you(?: doing)?(?: today)?|hallo|guten (?:morgen|tag|abend)|moin|servus|bonjour|salut|bonsoir|hola"
    r"|buenos d[ií]as|ciao)(?: (?:there|everyone|all|assistant|bot|again))*"
)
_PRAISE = r"(?:ok(?:ay)?|great|perfect|cool|nice|good|awesome|super|got it|understood)"
_THANKS = (
    rf"(?:{_PRAISE} )*(?:{_PRAISE}|thanks|thank you|thx|ty|cheers|danke(?: sch[oö]n)?|vielen dank|merci(?: beaucoup)?"
    r"|gracias)(?: (?:there|again|so much|very much|a lot|much|for (?:the|your) (?:help|answer)))*"
)
# What may follow thanks: that it was good, or that nothing more is wanted. Nothing in it can be a question.
_HELPED = (
    r"(?:that|this|it|you)(?:'s| is| was| has| have)?(?: been)?"
    r"(?: (?:really|very|so|just|exactly|all|quite|a lot|a great))*"
    r" (?:helped?|helps|helpful|useful|clear|perfect|great|good|fine|works?|worked|answers it|what i (?:needed|wanted))"
    r"(?: (?:me|a lot|very much|now|already|enough|indeed))*"
    r"|(?:that|this|it)(?:'s| is| was) (?:all|it|enough)(?: i (?:need|needed|wanted))?(?: for (?:now|today))?"
    r"|i (?:have|got|understand|see)(?: (?:it|that|what i needed))?(?: now)?|got it|understood"
    r"|no (?:more|further) questions?|all (?:good|clear|set)|have a (?:nice|good|great) (?:day|evening|weekend|one)"
    r"|(?:for )?(?:the|your) (?:quick |good |great )?(?:help|answer|reply)"
)
_THANKED = rf"{_THANKS}(?: (?:and )?(?:{_HELPED}))*|(?:{_HELPED})(?: {_THANKS})"
_GOODBYE = r"bye|goodbye|good ?bye|bye bye|see you(?: later)?|good night|tsch[uü]ss|au revoir|adi[oó]s"
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("about", re.compile(_ABOUT)),
    ("greeting", re.compile(_GREETING)),
    ("thanks", re.compile(_THANKED)),
    ("goodbye", re.compile(_GOODBYE)),
)
_PUNCTUATION = re.compile(r"[\s,;.!?…\U0001f300-\U0001faff\u2600-\u27bf\ufe0f]+")
_LONGEST = 60  # characters; a longer text says more than hello

_ABLE = (
    "I answer questions from the documents that you may read, and cite the passage that each answer rests on. "
    "When the documents do not say, I tell you so."
)
_REPLIES: dict[Kind, str] = {
    "greeting": f"Hello! {_ABLE} What would you like to know?",
    "thanks": "You are welcome. Ask me anything else about the documents.",
    "goodbye": "Goodbye!",
    "about": f"I am the assistant of this installation, a computer program. {_ABLE}",
}


def small_talk(text: str) -> str | None:
    """Return the reply to a message that is nothing but small talk, None for everything else."""
    said = _PUNCTUATION.sub(" ", text.lower()).strip()
    if not said:
        return _REPLIES["greeting"] if text.strip() and len(text) <= _LONGEST else None
    if len(said) > _LONGEST:
        return None
    kind = next((kind for kind, pattern in _PATTERNS if pattern.fullmatch(said)), None)
    return _REPLIES[kind] if kind else None
