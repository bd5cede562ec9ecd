"""Questions that a few words do not answer, and the sentences of a passage that do.

"How does coinsurance work?" is not answered by the six likeliest words. The stretch of a passage around them is: up to
three sentences that follow each other, and the list that they lead to, in the passage's own words. Chosen by the words
they share with the question; sentence embeddings choose no better (docs/experiments/2026-11-reader.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.guardrails.sentences import split
from assistant.guardrails.words import content
from assistant.orchestration.topic import topic_of

_QUANTITIES = (
    "many|much|long|often|old|far|big|large|small|tall|high|low|fast|deep|wide|soon|late|early|heavy|close|few"
)
_ABOUT = (
    "process|procedure|difference|role|purpose|polic(?:y|ies)|benefit|limitation|implication|requirement|rule|condition"
    "|exception|step|reason|advantage|disadvantage|guideline|responsibilit(?:y|ies)|criteria|principle|effect|impact"
)
_EXPLAIN = re.compile(
    rf"""\b(?:explain|describe|summari[sz]e|outline|elaborate|why)\b | ^(?:tell|list|give)\b
    | \bhow\s+(?!(?:{_QUANTITIES})\b)
    | \bwhat\s+(?:(?:does|do|did|is)\b.*\bmeans?\b | happens|steps | (?:should|can|must|do)\s+(?:i|we|you|one)\b)
    | \bwhat\s+(?:is|are|were|was)\s+(?:the\s+)?(?:\w+\s+){{0,2}}(?:{_ABOUT})s?\b
    | ^what(?:'s|’s|\s+is|\s+are)\s+(?:an?\s+|the\s+)?[\w-]+(?:\s+(?!of\b)[\w-]+){{0,3}}\s*\??$
    | ^what(?:'s|’s|\s+is|\s+are)\s+(?!the\b)(?:an?\s+)?[\w-]+(?:\s+[\w-]+)?\s+(?:for|in|at|under|with)\b
    | \bwhat\s+(?:types|kinds|sorts)\s+of\b
    | \bwhat\s+(?:\w+\s+){{0,3}}\w+s\s+(?:does|do|are|can|should|may|must|will)\b
    | ^(?:is|are|does|do|did|can|could|may|must|should|will|would|has|have|am|was|were)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ITEM = re.compile(r"^(?:[-*•–]|\(?\d{1,3}[.)])\s+")
_WHOLE = re.compile(r"[.!?:][\"'”’)]*$")
_LEANING = re.compile(
    r"^(?:this|these|that|those|it|they|he|she|however|also|additionally|in addition|for example)\b", re.I
)
# A line that was broken for its width goes on in the next one.
_WRAPPED = re.compile(
    r"(?<=[^\s.!?:;|])[ \t]*\n(?=[a-z(])|(?<=[^\n]{59}[^\s.!?:;|])[ \t]*\n(?=[\w(\"'“‘])(?!\d{1,3}[.)]\s)"
)
_MARKUP = re.compile(r"[|`<>\[\]]")

_SENTENCES, _ITEMS, _CHARACTERS = 3, 8, 700  # at most
_EMPHASISED_WORDS = 8  # longer words of the reader are no emphasis
_ON_TOPIC = 0.5  # share of the question's words that the passage has to have
# Weight of holding the reader's words, of leaning on a sentence before, and of being the passage's first sentence where
# its title and headings name what the question is about.
_HOLDS_WORDS, _LEANS, _LEADS = 0.3, 0.15, 0.7


def asks_for_explanation(question: str) -> bool:
    """Return whether a few words would be no answer: how, why, what something means, a list, yes or no."""
    return _EXPLAIN.search(question.strip()) is not None


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence of a passage, or an item of a list in it."""

    text: str
    is_item: bool


def explanation(question: str, text: str, words: str, label: str) -> str | None:
    """Return the stretch of `text` that answers `question`, each sentence with the mark [1]; None where there is none.

    Of several stretches, the one whose beginning and whole have most of the question's words; one that holds `words`
    is preferred, and they are in bold there when they are few. A text whose `label` (its title and headings) names
    what the question is about says the main thing first and need not name it again, so its beginning is preferred, too.
    Items of a list are lines of their own. There is none where text and label lack half of what the question is about.
    """
    pieces = pieces_of(text)
    begins = [n for n, piece in enumerate(pieces) if not piece.is_item]
    asked = frozenset(content(question))
    topic = frozenset(topic_of(question).values())
    known = frozenset(content(f"{label} {text}"))
    if not begins or len(topic & known) < _ON_TOPIC * len(topic):
        return None

    about = len(topic & frozenset(content(label))) / len(topic) if topic else 0.0

    def worth(begin: int) -> float:
        stretch = _stretch(pieces, begin)
        said = " ".join(piece.text for piece in stretch)
        shared = len(asked & frozenset(content(said))) + len(asked & frozenset(content(stretch[0].text)))
        holds, leans = bool(words) and words in said, _LEANING.match(stretch[0].text) is not None
        leads = about * (begin == begins[0])
        return shared / max(1, len(asked)) + _HOLDS_WORDS * holds - _LEANS * leans + _LEADS * leads

    begin = max(begins, key=worth)
    if pieces[begin].text.endswith("?") and begin + 1 in begins:
        begin += 1  # a page of questions and answers: what was asked need not be said again
    return _shown(_stretch(pieces, begin), words, asked)


def told_from(text: str, said: str, label: str) -> str | None:
    """Return the stretch of `text` from the sentence `said` on, each sentence with the mark [1]; None where it is none.

    An item of a list that is no sentence follows the one that leads to it, else `label`, what it stands below.
    """
    pieces, said = pieces_of(text), without_bullet(" ".join(said.split()))
    at = next((n for n, piece in enumerate(pieces) if said in piece.text), None)
    if at is None:
        return None
    if not pieces[at].is_item:
        end = next((n for n in range(at + 1, len(pieces)) if pieces[n].text.endswith("?")), len(pieces))
        return _shown(_stretch(pieces[:end], at), "", frozenset())  # the next question of a page of answers is another
    lead = next((piece.text for piece in reversed(pieces[:at]) if not piece.is_item), "")
    if not lead.endswith(":") and _WHOLE.search(pieces[at].text):
        return f"{pieces[at].text} [1]"
    return f"{lead if lead.endswith(':') else label.rstrip(' .:') + ':'} [1]\n- {pieces[at].text}"


def pieces_of(text: str) -> list[Piece]:
    """Return sentences and items of lists in order; headings, tables and what was cut off are left out."""
    pieces: list[Piece] = []
    for raw in split(_WRAPPED.sub(" ", text)):
        line = " ".join(raw.split())
        if not line or _MARKUP.search(line):
            continue
        if _ITEM.match(line):
            pieces.append(Piece(without_bullet(line), True))
        elif _WHOLE.search(line) and (line[0].isupper() or line[0].isdigit() or line[0] in "\"'“‘("):
            pieces.append(Piece(line, False))
    return pieces


def without_bullet(line: str) -> str:
    """Return an item of a list without its bullet or number; any other text as it is."""
    return _ITEM.sub("", line)


def _stretch(pieces: list[Piece], begin: int) -> list[Piece]:
    """Return up to three sentences from `begin` on, and the items that the last of them leads to."""
    stretch, length, sentences = [pieces[begin]], len(pieces[begin].text), 1
    for piece in pieces[begin + 1 :]:
        length += len(piece.text)
        sentences += not piece.is_item
        leads = stretch[-1].is_item or stretch[-1].text.endswith(":")
        if length > _CHARACTERS or sentences > _SENTENCES or len(stretch) >= _SENTENCES + _ITEMS:
            break
        if piece.is_item and not leads:
            break
        stretch.append(piece)
        if stretch[-2].is_item and not piece.is_item:
            return stretch[:-1]  # what follows a list is about something else
    while len(stretch) > 1 and stretch[-1].text.endswith(":"):
        stretch.pop()
    return stretch


def _shown(stretch: list[Piece], words: str, asked: frozenset[str]) -> str:
    said = "".join(f"\n- {piece.text}" if piece.is_item else f" {piece.text} [1]" for piece in stretch).strip()
    few = bool(words) and len(words.split()) <= _EMPHASISED_WORDS and not asked.issuperset(content(words))
    return said.replace(words, f"**{words}**", 1) if few else said
