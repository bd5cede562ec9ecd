"""What an answer has to be, and what speaks against the words that a reader marked.

The reader marks the likeliest words and knows little of their kind: asked how tall a tent is, it marks "12lbs" where no
height stands, and "Clef" in "CEO of Clef" for who the CEO is. That words are of the right kind tells nothing, that they
cannot be the answer tells much (docs/experiments/2026-11-evidence.md). The rules know English alone.
"""

from __future__ import annotations

import re

from assistant.guardrails.sentences import split
from assistant.guardrails.support import within
from assistant.guardrails.words import STOP, content, stem, tokens
from knowledge.rarity import rarity
from knowledge.reader import Reading
from knowledge.types import Passage

CANNOT = 20.0  # log-odds, more than any reading has: words that cannot be the answer never are
# Log-odds. At 1 nothing changes on four public sets of questions, at 2 one right answer of 150 is lost on XQuAD; the
# example of two plans that was taken for the plan's own line was ahead of it by 0.8.
_DOUBTFUL = 1.0

_UNITS = {
    "mass": "kg kilo kilogram g gram mg lb pound oz ounce ton tonne",
    "length": "mm cm m km metre meter mile ft foot feet inch inches yard",
    "time": "second minute min hour hr day week month year decade century centuries",
    "temperature": "°c °f celsius fahrenheit",
    "money": "$ € £ usd eur dollar euro cent",
}
_KINDS = {unit: kind for kind, units in _UNITS.items() for unit in units.split()}
_OF = r"^what(?:\s+(?:is|was)|['’]s)\s+the\s+(?:\w+\s+)?"
_ASKED = {
    "mass": rf"how\s+heavy\b|how\s+much\s+(?:do|does|did)\s.*\bweigh\b|{_OF}weight\s+of\b",
    "length": rf"how\s+(?:tall|high|deep|wide)\b|{_OF}(?:height|width|depth|altitude)\s+of\b",
    "time": r"how\s+(?:old|soon)\b|how\s+many\s+(?:minutes|hours|days|weeks|months|years)\b",
    "temperature": rf"how\s+(?:hot|cold|warm)\b|{_OF}temperature\s+of\b",
    "money": rf"how\s+much\s+(?:money\b|(?:do|does|did)\s.*\bcost\b)|{_OF}(?:price|cost)\s+of\b",
}
_WANTED = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _ASKED.items()}
_MEASURE = re.compile(r"(?P<sign>[$€£])?\d[\d.,]*(?:[\s-]?(?P<unit>°?[A-Za-z]+|[€£]))?")
_WITH_UNIT = frozenset(["mass", "length", "temperature", "money"])  # ages and times are told without one, too
_SPELT = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twenty|hundred|thousand|million|half|free)\b", re.I
)
_AFTER = 12  # characters behind the reader's words, in which the unit of a bare number stands

_ROLE = re.compile(
    r"^(?:and\s+)?who(?:\s+(?:is|are|was|were)|['’]s)\s+(?:the|our|my|your|a|an)\s+(?P<role>[\w\s-]+?)"
    r"(?:\s+(?:of|at|in|for|on)\b.*)?[?.!\s]*$",
    re.IGNORECASE,
)
_CHIEF = re.compile(r"c[a-z]{1,2}o|chief\b.*\bofficer", re.IGNORECASE)  # a person has this role, never a department
_TITLES = STOP | {"chief", "executive", "operating", "financial", "technology", "technical", "information", "officer"}
_LONGEST = 400  # characters of a question that has one of these forms; patterns are not tried on longer ones
_BELONGS = frozenset(["of", "at", "for"])
_ARTICLES = frozenset(["the", "our", "a", "an"])
_BEFORE = 60  # characters: a role and "of the"

_COUNTED = re.compile(
    r"\bhow\s+(?:many|much)\s+(?P<thing>(?:[\w'’-]+\s+){0,3}?[\w'’-]+)"
    r"\s+(?:do|does|did|is|are|was|were|can|could|may|must|should|will|would|has|have|had|of|in|on|to|for|at|per)\b",
    re.IGNORECASE,
)
_ELIGIBLE = re.compile(r"\b(?:eligible|entitled|qualif(?:y|ies))\s+(?:for|to)\s+(?P<thing>[^.;?!]+)", re.IGNORECASE)
_POINTS = re.compile(r"(?:it|this|that|these|those|such|the\s+same)\b", re.IGNORECASE)
_EXAMPLE = re.compile(r"^\W*(?:for\s+(?:example|instance)\b|e\.g\.|suppose\b|imagine\b|as\s+an\s+example\b)", re.I)
_ASKS_EXAMPLE = re.compile(r"\b(?:example|instance)s?\b", re.IGNORECASE)


def doubt(question: str, passage: Passage, reading: Reading) -> float:
    """Return how much less likely, in log-odds, the reading is an answer for what it says and where; 0.0 as a rule."""
    words = passage.text[reading.start : reading.end]
    if not words.strip() or len(question) > _LONGEST:
        return 0.0
    wanted = {kind for kind, pattern in _WANTED.items() if pattern.search(question)}
    said = _kinds(words) or _kinds(passage.text[reading.start : reading.end + _AFTER])
    sentence = _sentence(passage.text, reading.start)
    if (
        wanted
        and said
        and not wanted & said
        or _nobody(question, passage.text, reading)
        or _for_another(question, passage, sentence)
    ):
        return CANNOT
    bare = bool(wanted & _WITH_UNIT) and not said and not _SPELT.search(words)
    example = not _ASKS_EXAMPLE.search(question) and _EXAMPLE.match(sentence) is not None
    return _DOUBTFUL * (bare + example + _counts_another(question, passage))


def _kinds(text: str) -> set[str]:
    """Return what the numbers of `text` measure, as far as a unit beside them tells."""
    units = [(match["sign"] or match["unit"] or "").lower() for match in _MEASURE.finditer(text)]
    kinds = [_KINDS.get(unit) or _KINDS.get(unit.removesuffix("s")) for unit in units]
    return {kind for kind in kinds if kind}


def _nobody(question: str, text: str, reading: Reading) -> bool:
    """Return whether somebody of a role is asked for and the words name nobody.

    They say the role again ("the CEO", "Chief Executive Officer"), another one ("the Chief Operating Officer"), or what
    it belongs to ("CEO of Clef").
    """
    asked = _ROLE.match(question.strip())
    if asked is None:
        return False
    role, known = [stem(word) for word in tokens(asked["role"])], frozenset(content(question))
    new = [word for word in tokens(text[reading.start : reading.end]) if word not in STOP and stem(word) not in known]
    if not role or not new or "".join(word[0] for word in new) in role:
        return True
    if _CHIEF.fullmatch(asked["role"].strip()) and not _somebody(text[reading.start : reading.end]):
        return True
    before = [word for word in tokens(text[max(0, reading.start - _BEFORE) : reading.start]) if word not in _ARTICLES]
    return len(before) > 1 and before[-1] in _BELONGS and stem(before[-2]) == role[-1]


def _somebody(words: str) -> bool:
    """Return whether a word may be a name: it begins with a capital letter and is no part of a title."""
    said = re.findall(r"[^\W\d_]+", words)
    return any(word[0].isupper() and word.lower() not in _TITLES and not _CHIEF.fullmatch(word) for word in said)


def _for_another(question: str, passage: Passage, sentence: str) -> bool:
    """Return whether it is asked who is eligible for what the page is about, and the sentence tells that of another.

    Where title and heading do not name what was asked, the other thing may be the same in other words.
    """
    asked, told = _ELIGIBLE.search(question), [match["thing"] for match in _ELIGIBLE.finditer(sentence)]
    wanted = frozenset(content(asked["thing"])) if asked else frozenset()
    label = frozenset(content(f"{passage.title} {passage.heading}"))
    if not (wanted and told) or not all(within(root, label) for root in wanted):
        return False
    given = frozenset(content(" ".join(told)))
    return not any(_POINTS.match(thing) for thing in told) and not any(within(root, given) for root in wanted)


def _counts_another(question: str, passage: Passage) -> bool:
    """Return whether things are to be counted that the passage does not know: vacation days in one on appeals."""
    asked = _COUNTED.search(question)
    thing = [word for word in tokens(asked["thing"]) if word not in STOP] if asked else []
    if not thing:
        return False
    return not within(
        stem(max(thing, key=rarity)), frozenset(content(f"{passage.title} {passage.heading} {passage.text}"))
    )


def _sentence(text: str, place: int) -> str:
    """Return the sentence of `text` that has the character at `place`."""
    end = 0
    for sentence in split(text):
        end += len(sentence)
        if end > place:
            return sentence
    return ""
