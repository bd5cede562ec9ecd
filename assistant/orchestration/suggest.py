"""Follow-up questions under an answer, made from the passages that were found for its reader; no model is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.guardrails.words import content
from knowledge.types import Passage

_QUESTION = re.compile(r"(?:^|\n|(?<=[.!?])\s+|[-*•]\s+)([A-Z][^.!?\n]{10,110}\?)")
# "Venturing into wet weather?" asks nothing: a question begins with one of these words.
_ASKING_WORDS = (
    "how what when where who whom whose why which can could do does did is are am may must should will would has have"
    " wie was wann wo woher wohin wer wem wen wessen warum weshalb welche welcher welches kann können darf dürfen muss"
    " müssen gibt ist sind hat haben quel quelle quels quelles que qui où quand comment pourquoi combien peut faut"
    " puis-je est-ce qué cómo cuándo dónde quién cuál cuánto cuántos puedo hay"
)
_ASKING = frozenset(_ASKING_WORDS.split())
# What a heading counts: "Chapter 2", "Slide 4 of 9", "Sheet1", "Annex B". Alone it says nothing; before a name it goes.
_PARTS = (
    "chapter section part page slide sheet figure table appendix annex item no step kapitel abschnitt teil seite folie"
    " blatt abbildung tabelle anhang chapitre partie annexe feuille diapositive capítulo sección parte página hoja"
)
_COUNTED = (
    rf"(?:{'|'.join(_PARTS.split())})\.?(?:\s*\d+(?:\.\d+)*|\s+(?:[ivxlc]+|[a-z])\b)(?:\s*(?:of|von|de|sur|/)\s*\d+)?"
)
_NUMBERING = re.compile(rf"^(?:{_COUNTED}\s*[:.–—-]?|[\divx]+(?:\.\d+)*[.)]?|[a-z][.)])(?:\s+|$)", re.I)
_WORD = re.compile(r"[^\W\d_]{3,}")  # "1.2", "§ 4", "Q3" name nothing
_LEADERS = re.compile(r"\.{3,}|…")  # between an entry of a table of contents and its page
_FILE = re.compile(r"\.(?:pdf|docx?|pptx?|xlsx?|md|html?|txt|csv|eml)$", re.I)
_SAYS_NOTHING = (
    "introduction overview contents summary conclusion conclusions references appendix notes background general misc"
    " other faq index details preface foreword abstract acknowledgements glossary bibliography disclaimer untitled"
    " inhalt inhaltsverzeichnis einleitung einführung übersicht zusammenfassung fazit anhang vorwort allgemeines"
    " sonstiges literatur verzeichnis sommaire résumé annexe annexes préface généralités índice introducción resumen"
    " conclusión anexo anexos prólogo"
)
_EMPTY_HEADINGS = frozenset(_SAYS_NOTHING.split()) | {
    "table of contents",
    "list of figures",
    "list of tables",
    "table des matières",
    "tabla de contenido",
    "executive summary",
    "revision history",
    "document history",
    "frequently asked questions",
}
_SMALL = "a an and at by for from in of on or the to with"
_SMALL_WORDS = frozenset(_SMALL.split())  # small in titles, too
_MOST_HEADING_WORDS = 9
# Of the best passage's cosine. Looked at for ten questions to HR documents: what was about something else had at most
# 0.43 of it ("Clinical Trials" under free coffee: 0.3), what a reader may want to know next at least 0.53.
_NEAR = 0.45


def suggest(question: str, passages: Sequence[Passage], cited: Sequence[str], limit: int) -> tuple[str, ...]:
    """Return at most `limit` questions that `passages` answer and `question` did not ask, closest passages first.

    Questions that stand in a passage come as they are; headings of passages not cited (by chunk id) become questions.
    Passages that only fill the list, far from the question beside the best one, suggest nothing.
    """
    passages = _near(passages)
    asked = frozenset(content(question))
    found: list[str] = []
    seen: list[frozenset[str]] = [asked]
    for candidate, about in [*_written(passages), *_from_headings(passages, frozenset(cited))]:
        words = frozenset(content(about))
        if words and not any(_alike(words, other) for other in seen):
            seen.append(words)
            found.append(candidate)
    return tuple(found[:limit])


def _near(passages: Sequence[Passage]) -> list[Passage]:
    """Return the passages whose meaning is near the question; all of them where nobody looked at that."""
    best = max((passage.scores.dense or 0.0 for passage in passages), default=0.0)
    return [passage for passage in passages if (passage.scores.dense or 0.0) >= _NEAR * best]


def _written(passages: Sequence[Passage]) -> Iterator[tuple[str, str]]:
    """Yield the questions that stand in passages, each with what it is about: itself."""
    for passage in passages:
        for match in _QUESTION.finditer(passage.text):
            first = match[1].partition(" ")[0].lower()
            if first in _ASKING and not re.search(r"[\[\]<>|`{}]|https?:", match[1]):
                question = " ".join(match[1].split())
                yield question, question


def _from_headings(passages: Sequence[Passage], cited: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield a question for each usable heading, with the heading."""
    for passage in passages:
        last = passage.heading.rsplit(" > ", 1)[-1]
        heading = _NUMBERING.sub("", re.sub(r"[*_`#\[\]<>|]+", "", last)).strip(" :.-")
        if passage.chunk_id in cited or not _tells(heading):
            continue
        title = re.sub(r"[*`#\[\]<>|]+", "", _FILE.sub("", passage.title).replace("_", " ")).strip()
        if not title or frozenset(content(title)) & frozenset(content(heading)):
            yield f"What do the documents say about {_mid_sentence(heading)}?", heading
        else:
            yield f'What does "{title}" say about {_mid_sentence(heading)}?', heading


def _tells(heading: str) -> bool:
    """Return whether a heading without its number names something that one can ask about."""
    named = _WORD.search(heading) and heading.casefold() not in _EMPTY_HEADINGS
    fits = len(heading.split()) <= _MOST_HEADING_WORDS and not heading.endswith("?")
    return bool(named and fits and not _LEADERS.search(heading))


def _mid_sentence(heading: str) -> str:
    """Return a heading as it stands inside a sentence: "Sick leave" becomes "sick leave", "Pay and Perks" stays."""
    first, *rest = heading.split(" ")
    telling = [word for word in rest if word and word not in _SMALL_WORDS]
    lower = len(first) > 1 and first[1:].islower() and (not telling or any(word[0].islower() for word in telling))
    return " ".join([first.lower() if lower else first, *rest])


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= 0.7 * min(len(one), len(other)) if one and other else False
