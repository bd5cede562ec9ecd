"""What a question holds that could be an argument: numbers with their places, and runs of words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import permutations
from typing import Any

Number = int | float
Parameters = Mapping[str, Mapping[str, Any]]

NUMBER = re.compile(r"(?<![\w.])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)|(?<![\w.])-?\d+(?:\.\d+)?")
_PERCENT = re.compile(r"\s?(?:%|percent\b)")
_WORD = re.compile(r"[a-z]{3,}|[%$=]")
_QUOTED = re.compile(r"['\"]([A-Za-z][\w /-]{1,30})['\"]")
_CODE = re.compile(r"(?=[^\s]*\d)(?=[^\s]*[A-Za-z])[\w./#-]{2,40}")
_POSSESSIVE = re.compile(r"['’]s$")  # "Ronaldo's" is Ronaldo
_SHARES = ("rate", "yield", "percent", "interest", "growth", "discount", "probability", "tax")
STOP = frozenset(
    ["a", "an", "the", "of", "to", "in", "on", "for", "from", "with", "by", "and", "or", "is", "are", "was", "what"]
    + ["how", "which", "i", "me", "my", "that", "this", "at", "as", "if", "be"]
)
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TENS = ("ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred")
_NUMBER_WORDS = {word: number for number, word in enumerate(_DIGITS)} | {
    word: number * 10 for number, word in enumerate(_TENS, start=1)
}
_MAX_WORDS, _MAX_SPANS = 60, 240  # the engine takes 300 choices
# What makes matching take longer with each character by a factor: a repeated group, and a look at what stood before.
_SLOW_PATTERN = re.compile(r"\)[*+?{]|\\[1-9]|\(\?(?!:)")
_VARIES = re.compile(r"(?<!\\)(?:[*+?]|\{\d*,\d*\})")  # each of them costs the length of the text once more
_MAX_PLACED = 6  # 720 ways to place them
_BEFORE, _AFTER = 24, 14  # characters around a number that tell what it is


def numbers_in(question: str) -> list[Number]:
    """Return the numbers of a question in their order, each once; "two" is 2, "5%" is both 0.05 and 5."""
    found: list[tuple[int, Number]] = []
    for match in NUMBER.finditer(question):
        number = _number(match[0])
        if _PERCENT.match(question, match.end()):
            found.append((match.start(), _share(number)))
        found.append((match.start(), number))
    for match in re.finditer(r"[a-z]+", question.lower()):
        if match[0] in _NUMBER_WORDS:
            found.append((match.start(), _NUMBER_WORDS[match[0]]))
    return list(dict.fromkeys(number for _, number in sorted(found, key=lambda pair: pair[0])))


def fitting_numbers(name: str, kind: str, question: str) -> list[Number]:
    """Return the numbers of a question that a parameter of the kind "integer" or "number" may mean.

    Where a share is wanted ("interest_rate") and the question holds percentages, these alone, as shares.
    """
    numbers = numbers_in(question)
    if kind == "integer":
        return [number for number in numbers if isinstance(number, int)]
    shares = [_share(_number(match[0])) for match in NUMBER.finditer(question) if _PERCENT.match(question, match.end())]
    wants_share = any(word in name.lower() for word in _SHARES)
    return list(dict.fromkeys(shares)) if wants_share and shares else numbers


_A_TEXT = 1_000  # characters
_GIVES_TEXT = re.compile(r"""["“”«»„]|(?:^|\s)['‘]\w|:\s*\w|[.!?]\s+\w|\n""")


def lacks_numbers(parameters: Mapping[str, Any], question: str) -> bool:
    """Return whether a call with these parameters (a JSON schema) needs more numbers than the question holds.

    A date (`format`: date) needs a digit.
    """
    inner = parameters.get("properties", {})
    required = [inner.get(name, {}) for name in parameters.get("required", ())]
    needed = sum(described.get("type") in ("integer", "number") for described in required)
    dated = any(described.get("format") == "date" for described in required)
    return needed > len(numbers_in(question)) or dated and not re.search(r"\d", question)


def lacks_text(parameters: Mapping[str, Any], question: str) -> bool:
    """Return whether a call takes nothing but a text to work on (1,000 characters or more fit), and none is given.

    One is given in quotation marks, after a colon, or as a sentence of its own.
    """
    inner = parameters.get("properties", {})
    required = [inner.get(name, {}) for name in parameters.get("required", ())]
    texts = [described.get("type") == "string" and described.get("maxLength", 0) >= _A_TEXT for described in required]
    return bool(texts) and all(texts) and not _GIVES_TEXT.search(question.strip())


def placed_numbers(parameters: Parameters, question: str) -> dict[str, Number]:
    """Return the numbers by parameter, where the question holds as many as there are parameters that want one.

    Each goes where the words around it are those of the parameter ("height of 5", "a = 2", "3% interest"); what the
    words leave open goes in the order of the question. Empty where the counts differ, or a whole number is wanted and
    none is there.
    """
    wanting = [name for name, inner in parameters.items() if inner.get("type") in ("integer", "number")]
    found = list(NUMBER.finditer(question))
    if not wanting or len(found) != len(wanting) or len(wanting) > _MAX_PLACED:
        return {}
    if any("enum" in parameters[name] for name in wanting):
        return {}
    around = [_around(question, match) for match in found]
    own = [_own_words(name, parameters[name]) for name in wanting]
    scores = [[_closeness(words, before, after) for before, after in around] for words in own]
    orders = permutations(range(len(found)))
    best = max(orders, key=lambda order: sum(scores[n][at] for n, at in enumerate(order)))  # the first one of equals
    placed: dict[str, Number] = {}
    for name, at in zip(wanting, best, strict=True):
        number = _number(found[at][0])
        kind = parameters[name]["type"]
        if kind == "number" and _PERCENT.match(question, found[at].end()):
            number = _share(number)
        if kind == "integer" and not isinstance(number, int):
            return {}
        placed[name] = number
    return placed


def spans_in(question: str) -> list[str]:
    """Return the runs of up to six words of a question that could be values: quoted ones first, no half names."""
    spans = [found[1:-1] for found in re.findall(r"\"[^\"]{1,80}\"|'[^']{2,80}'", question)]
    words = re.findall(r"\S+", question)[:_MAX_WORDS]
    bare = [word.strip("\"'?.,;:!()") for word in words]
    ends = [word.endswith((".", "?", "!", ",", ";", ":")) and len(word) > 3 for word in words]
    for start in range(len(words)):
        for end in range(start + 1, min(start + 7, len(words) + 1)):
            inside_name = start > 0 and _names(bare[start - 1], bare[start]) and not ends[start - 1]
            cuts_name = end < len(words) and _names(bare[end - 1], bare[end]) and not ends[end - 1]
            edges = {bare[start].lower(), bare[end - 1].lower()}
            stops = any(ends[n] and not words[n].endswith(",") for n in range(start, end - 1))
            if not (edges & STOP or inside_name and start > 1 or cuts_name or stops):
                span = " ".join(words[start:end]).strip("\"'?.,;:!")
                spans.append(_POSSESSIVE.sub("", span))
    return list(dict.fromkeys(span for span in spans if span))[:_MAX_SPANS]


def quoted_in(schema: Mapping[str, Any]) -> list[str]:
    """Return what a parameter's description puts in quotes: the values that it names."""
    return _QUOTED.findall(str(schema.get("description", "")))


def shaped_in(schema: Mapping[str, Any], question: str) -> list[str] | None:
    """Return the runs of words that have the form of a parameter: its pattern, or letters and digits as in 'A-1042'.

    None where the schema names no form, or one that could take long to look for: others write them.
    """
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not _SLOW_PATTERN.search(pattern) and len(_VARIES.findall(pattern)) <= 3:
        try:
            form = re.compile(pattern)
        except re.error:
            return None
        fitting = [span for span in spans_in(question) if len(span) <= 64 and form.search(span)]
        coded = [span for span in fitting if any(sign.isdigit() for sign in span)]
        return coded or fitting
    if any(_CODE.fullmatch(example) for example in quoted_in(schema)):
        return [span for span in spans_in(question) if _CODE.fullmatch(span)]
    return None


def _names(one: str, other: str) -> bool:
    """Whether two neighbouring words look like parts of one name."""
    return one[:1].isupper() and other[:1].isupper()


def _number(text: str) -> Number:
    plain = text.replace(",", "")
    return float(plain) if "." in plain else int(plain)


def _share(number: Number) -> float:
    return round(number / 100, 10)


def _around(question: str, match: re.Match[str]) -> tuple[list[str], list[str]]:
    before = question[max(0, match.start() - _BEFORE) : match.start()].lower()
    # what stands beyond the next number belongs to that one
    before = before[max((m.end() for m in NUMBER.finditer(before)), default=0) :]
    after = NUMBER.split(question[match.end() : match.end() + _AFTER].lower())[0]
    return _WORD.findall(before) + re.findall(r"\b([a-z])\s*=?\s*$", before), _WORD.findall(after)


def _own_words(name: str, schema: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    parts = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).replace("_", " ").lower()
    own = set(_WORD.findall(parts)) | set(re.findall(r"\b[a-z]\b", parts))
    if any(word in parts for word in _SHARES):
        own.add("%")
    return own, set(_WORD.findall(str(schema.get("description", "")).lower())) - own


def _closeness(words: tuple[set[str], set[str]], before: list[str], after: list[str]) -> float:
    own, described = words
    near = {_stem(word) for word in (*before[-3:], *after[:2])}
    return 2.0 * len({_stem(word) for word in own} & near) + 0.5 * len({_stem(word) for word in described} & near)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
