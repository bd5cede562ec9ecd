"""Words as they are compared: lower case, without endings, without the words that carry no content."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Function words of English, and the commonest of the other languages whose questions meet English passages.
_STOP_WORDS = """
    a about above after again all also am an and any are as at be because been before being below between both but by
    can could did do does doing down during each few for from further had has have having he her here hers him his how
    i if in into is it its itself just let me more most my myself no nor not now of off on once only or other our ours
    out over own same she should so some such than that the their theirs them themselves then there these they this
    those through to too under until up upon us very was we were what when where which while who whom whose why will
    with would you your yours s t re ve ll d m many much may might must shall per via
    der die das den dem des ein eine einen einem einer eines und oder ist sind war wie was wer wo wann welche welcher
    le la les un une des du de et ou est sont que qui quand el los las una y o es son en
"""
STOP = frozenset(_STOP_WORDS.split())
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}])\w)+(?:[.’'](?:(?![{_CJK}])\w)+)*")
_THOUSANDS = re.compile(r"(?<=\d)[,'](?=\d{3}(?!\d))")
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("edly", ""), ("ed", ""), ("es", ""), ("ly", ""), ("s", ""))
_SHORTEST_STEM = 3
_FRACTIONS = {"¼": ".25", "½": ".5", "¾": ".75"}
_FRACTION = re.compile(r"(\d*)([¼½¾])")


def tokens(text: str) -> list[str]:
    """Return the words of `text` in order, lower case, accents kept, numbers without thousands separators.

    Each CJK character is a word of its own.
    """
    return [_possessive(word) for word in _TOKEN.findall(_THOUSANDS.sub("", plain(text).lower()))]


def content(text: str) -> list[str]:
    """Return the stems of the words of `text` that carry content, in order, repetitions kept."""
    return [stem(word) for word in tokens(text) if word not in STOP]


def plain(text: str) -> str:
    """Return `text` in NFKC, typographic quotes and dashes made plain, fractions made decimal ("6½" is "6.5")."""
    text = _FRACTION.sub(lambda m: (m[1] or "0") + _FRACTIONS[m[2]], text)
    return unicodedata.normalize("NFKC", text).translate(_PLAIN)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return `word` without its commonest English ending: "policies" and "policy" become equal; numbers stay."""
    if len(word) <= _SHORTEST_STEM or not word.isalpha():
        return word
    for ending, replacement in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM and not word.endswith("ss"):
            cut = word[: -len(ending)] + replacement
            if ending in ("ing", "ed") and len(cut) > _SHORTEST_STEM and cut[-1] == cut[-2] and cut[-1] not in "lsz":
                cut = cut[:-1]
            return cut.removesuffix("e") if len(cut) > _SHORTEST_STEM else cut
    return word.removesuffix("e") if len(word) > _SHORTEST_STEM + 1 else word


def _possessive(word: str) -> str:
    return word.removesuffix("'s").removesuffix("'")


_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " ", "\u00ad": ""}
)
