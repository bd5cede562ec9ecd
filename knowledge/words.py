"""What a word is to the keyword index: the same for texts and for questions.

Words are cut at anything that is not a letter or digit, lower-cased, stemmed by the text's language and stripped of
accents. Scripts that write no spaces are cut into pairs of characters; names in code also into their parts.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from knowledge.modelfiles import encodable

# Languages that have both a stemmer and a list of stop words to be recognised by, or a script of their own.
# The first is taken when nothing points to another.
LANGUAGES = (
    "english",
    "german",
    "french",
    "spanish",
    "italian",
    "portuguese",
    "dutch",
    "swedish",
    "danish",
    "norwegian",
    "finnish",
    "hungarian",
    "russian",
    "arabic",
    "greek",
)
_BY_SCRIPT = {"russian": re.compile(r"[\u0400-\u04ff]"), "arabic": re.compile(r"[\u0600-\u06ff]")}
_BY_SCRIPT |= {"greek": re.compile(r"[\u0370-\u03ff]")}
_BY_STOP_WORDS = tuple(language for language in LANGUAGES if language not in _BY_SCRIPT)
_LOOKED_AT = 600  # characters; enough for a dozen stop words
_LONGEST_WORD = 60  # characters; longer ones are hashes and encoded data

# Words of questions that the lists of stop words lack.
_MORE_WORDS = {
    "english": (
        "i me you my your let give make set show tell we our have has been would like want need please get got from"
        " them she about how what who when where which why whose do does did should could"
    ),
    "german": (
        "wer wann wieviel wieviele viele lange gibt geht bekomme bekommt darf dürfen muss müssen kostet finde welchen"
        " welchem wen wem wessen wohin woher wofür worin bezahlt beginnt"
    ),
    "french": (
        "combien quand comment pourquoi où quels quelles peut puis dois doit faut faire est sont un une coûte commence"
    ),
}
_ASKING = {language: frozenset(words.split()) for language, words in _MORE_WORDS.items()}

_ASCII_GAPS = str.maketrans({chr(n): " " for n in range(128) if not chr(n).isalnum()})

# Thai, Lao, Burmese, Khmer, Japanese, Chinese, Korean.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+"
)
_CODE_NAME = re.compile(r"[A-Za-z]*[a-z][A-Z]\w*")
_CODE_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def analyzer(language: str) -> TextAnalyzer:
    """Return the analyzer for texts of `language`."""
    fold, stem = Filter.ascii_fold(), Filter.stemmer(language)
    # Accents belong to the language that is stemmed, except in English, where they come with foreign words.
    first, second = (fold, stem) if language == "english" else (stem, fold)
    return _lower_case().filter(first).filter(second).build()


def prepared(text: str) -> str:
    """Return `text` with the places marked by spaces where an analyzer would see no end of a word.

    "DiffExecutor" becomes "DiffExecutor Diff Executor", and each run of a script without spaces its pairs.
    """
    return _CODE_NAME.sub(_with_parts, _UNSPACED.sub(_pairs, encodable(text)))


def language_of(text: str) -> str:
    """Return the one of LANGUAGES that `text` is most likely written in, judged by script and stop words."""
    start = text[:_LOOKED_AT]
    written = _by_script(start)
    if written:
        return written
    words = plain_words(start)
    found = _stop_words(words)
    best = max(found, key=lambda language: len(found[language]))
    # Code and lists of names match a few stop words of some language by chance. With these three thresholds none of
    # 3,100 English texts and code chunks, all of 240 Spanish and 238 of 240 German ones were taken for their language.
    distinct = len(found[best])
    many = sum(word in found[best] for word in words) >= 0.15 * len(words)
    return best if many and distinct >= 4 and distinct > 1.3 * len(found["english"]) else "english"


def language_of_question(text: str) -> str:
    """Return the one of LANGUAGES that a single question is in, English where nothing is plain.

    A question has few words, so two that another language has and English has not are enough.
    """
    written = _by_script(text)
    if written:
        return written
    words = plain_words(text)
    found = _stop_words(words)
    for language, more in _ASKING.items():
        found[language] |= more.intersection(words)
    best = max(found, key=lambda language: len(found[language]))
    # Of 1,000 questions of XQuAD in German 890 are known as such, and 939 of 1,000 in Spanish as no English ones; of
    # 36,787 in English (XQuAD, SQuAD, TAT-QA, CovidQA, banking77, CLINC150) one is taken for another language.
    own, english = len(found[best] - found["english"]), len(found["english"] - found[best])
    return best if own >= 2 and own > 2 * english else "english"


def is_english(text: str) -> bool:
    """Return whether `text` is most likely English: nothing points to another language, and the script is Latin."""
    letters = [letter for letter in text[:_LOOKED_AT] if letter.isalpha()]
    foreign = sum(letter > "\u024f" for letter in letters)  # beyond Latin
    return language_of(text) == "english" and foreign * 3 <= len(letters)


@lru_cache(maxsize=20_000)  # the words of questions, most of them asked before
def is_stop_word(word: str) -> bool:
    """Return whether the lower-case `word` is too common in English to tell texts apart."""
    return not _WITHOUT_STOP_WORDS["english"].analyze(word)


def plain_words(text: str) -> list[str]:
    """Return the words of a prepared text, lower-case, not stemmed."""
    words: list[str] = _PLAIN.analyze(text)
    return words


def distinct_words(text: str) -> frozenset[str]:
    """Return the words that `plain_words` returns, without their order; in half the time for a text in ASCII."""
    if not text.isascii():
        return frozenset(plain_words(text))
    return frozenset([word for word in text.translate(_ASCII_GAPS).lower().split() if len(word) < _LONGEST_WORD])


def _lower_case() -> TextAnalyzerBuilder:
    return TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST_WORD)).filter(Filter.lowercase())


_PLAIN = _lower_case().build()
_WITHOUT_STOP_WORDS = {language: _lower_case().filter(Filter.stopword(language)).build() for language in _BY_STOP_WORDS}


@lru_cache(maxsize=20_000)  # most of a text is the same few hundred words
def _stop_word_in(word: str) -> tuple[str, ...]:
    return tuple(language for language, without in _WITHOUT_STOP_WORDS.items() if not without.analyze(word))


def _by_script(text: str) -> str:
    """Return the language whose script a text is written in, "" for one in Latin letters."""
    held = (language for language, script in _BY_SCRIPT.items() if len(script.findall(text)) * 3 > len(text))
    return next(held, "")


def _stop_words(words: list[str]) -> dict[str, set[str]]:
    """Return those of `words` that are stop words, for each language that is recognised by them."""
    found: dict[str, set[str]] = {language: set() for language in _BY_STOP_WORDS}
    for word in set(words):
        for language in _stop_word_in(word):
            found[language].add(word)
    return found


def _pairs(run: re.Match[str]) -> str:
    characters = run.group()
    if len(characters) < 3:
        return f" {characters} "
    return f" {' '.join(characters[i : i + 2] for i in range(len(characters) - 1))} "


def _with_parts(name: re.Match[str]) -> str:
    parts = _CODE_PART.findall(name.group())
    return f"{name.group()} {' '.join(parts)}" if len(parts) > 1 else name.group()
