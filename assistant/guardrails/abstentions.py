"""Sentences that say that the documents do not answer, in the prompt's own words or in a model's."""

from __future__ import annotations

import re

from assistant.guardrails.words import plain, tokens

# Used within a verbose pattern, where a blank has to be written as \s.
_SOURCE = (
    r"(?:(?:the|these|those|any|of|provided|given|numbered|available|above|retrieved)\s)*"
    r"(?:documents?|passages?|texts?|contexts?|sources?|articles?|information|excerpts?|knowledge\sbase)"
    r"(?:\s(?:provided|given|above))?"
)
_SILENT = (
    r"(?:say|mention|state|specify|answer|provide|contain|include|give|discuss|indicate|address|tell|cover|describe"
    r"|have)"
)
_PATTERNS = re.compile(
    rf"""
    ^(?:(?:i'?m\ |i\ am\ )?sorry,?\ |unfortunately,?\ |however,?\ |but\ |based\ on\ {_SOURCE},?\ )*
    (?:
      {_SOURCE}\ (?:does|do|did)(?:\ not|n't)(?:\ (?:explicitly|directly|specifically|actually|clearly))?\ {_SILENT}
      | {_SOURCE}\ (?:contains?|provides?|gives?|has|have)\ no\ (?:information|answer|details?|mention)
      | (?:there\ is|i\ (?:have|found|find|see))\ no\ (?:information|mention|answer|details?)
      | i\ (?:do\ not|don't|cannot|can't|could\ not|couldn't|am\ unable\ to|am\ not\ able\ to)
        \ (?:know|find|answer|determine|tell|say|have)
      | (?:this|that|it|the\ (?:answer|question|information))\ (?:is|was|are|can)(?:\ not|n't|not)\ (?:be\ )?
        (?:answered|mentioned|stated|specified|provided|given|found|determined|available|in\ {_SOURCE}|contained)
      | (?:it\ )?cannot\ be\ (?:answered|determined|found)
      | not\ (?:mentioned|stated|specified|provided|given|answered|found)\b
      | no\ (?:information|answer)\ (?:is\ )?(?:given|provided|available|found|about|on)
      | unanswerable\b
      | (?:die|den)\ dokumente(?:n)?\ sagen\ (?:das|es)?\ ?nicht
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST_WORDS = 40


def is_abstention(claim: str, abstention: str) -> bool:
    """Return whether a sentence without its citation marks says that no answer was found.

    `abstention` is the prompt's own text; its beginning, at least three words long, counts as well, because an answer
    may be cut off.
    """
    words, own = tokens(claim), tokens(abstention)
    if not words:
        return False
    if words[: len(own)] == own or (len(words) >= 3 and own[: len(words)] == words):
        return True
    return len(words) <= _LONGEST_WORDS and bool(_PATTERNS.match(plain(claim).strip()))
