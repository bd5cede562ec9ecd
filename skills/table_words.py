"""The words of a question about a table: which of them name columns, values and amounts, and which say nothing.

Pure and without imports of ours: it runs in the confined process that holds the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["number", "text", "date", "other"]
Key = tuple[str, ...]
_QUOTED = re.compile(r'"([^"]+)"|“([^”]+)”')
_AMOUNT = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
# Signs that are none of punctuation and currency are words: a question with one that is not explained is not read.
_SIGN = r"""[<>!]=|[^\s\w?.,;:!()\[\]'’"“”$€£]"""
_TOKEN = re.compile(rf"\x00\d+\x00|{_AMOUNT}(?!\w)|[^\W_]+(?:['’][^\W_]+)?|{_SIGN}")
_NUMBER = re.compile(_AMOUNT)
_COUNTED = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
# What may stand between a column and its value or amount: "the region is North", "a revenue of at least 50".
_LINKS = frozenset([
    "is", "are", "was", "were", "be", "the", "a", "an", "of", "equal", "equals", "to", "named", "called", "=",
    "with", "has", "have", "having",
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, as far as questions need it."""

    name: str
    kind: Kind
    values: tuple[str, ...] = ()  # of a text column, each once; empty where there are too many to read
    unique: bool = False  # no value stands in two rows, and none is missing


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a question, from `begin` to before `end`."""

    begin: int
    end: int


@dataclass(slots=True)
class Words:
    """The words of one question; `open` holds those that nothing has explained yet."""

    texts: list[str] = field(default_factory=list)
    open: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, question: str) -> Words:
        """Return the words, in lower case; what stands in quotation marks is one word."""
        quoted: list[str] = []

        def hidden(match: re.Match[str]) -> str:
            quoted.append(" ".join(words_of(match[1] or match[2])))
            return f" \x00{len(quoted) - 1}\x00 "

        found = _TOKEN.findall(_QUOTED.sub(hidden, question).lower())
        texts = ["\x00" + quoted[int(each.strip("\x00"))] if each.startswith("\x00") else each for each in found]
        return cls(texts, set(range(len(texts))))

    def take(self, span: Span) -> None:
        """Note that the words of `span` are explained."""
        self.open -= set(range(span.begin, span.end))

    def spans(self, phrases: Iterable[Key]) -> list[tuple[Span, Key]]:
        """Return where open words are one of `phrases` (of stems), longer ones first where they overlap."""
        known = set(phrases)
        longest = max((len(each) for each in known), default=0)
        stems = [stem(each) for each in self.texts]
        found: list[tuple[Span, Key]] = []
        held: set[int] = set()
        for length in range(longest, 0, -1):
            for begin in range(len(stems) - length + 1):
                places = set(range(begin, begin + length))
                key = tuple(stems[begin : begin + length])
                if length == 1 and key[0].startswith("\x00"):
                    key = key_of(key[0])
                if key in known and places <= self.open and not places & held:
                    held |= places
                    found.append((Span(begin, begin + length), key))
        return sorted(found, key=lambda each: each[0].begin)

    def first(self, phrases: Mapping[Key, str]) -> list[tuple[Span, str]]:
        """Return where open words are one of `phrases`, with what each means, and note them as explained."""
        found = [(span, phrases[key]) for span, key in self.spans(phrases)]
        for span, _ in found:
            self.take(span)
        return found

    def linked(self, one: Span, other: Span) -> bool:
        """Return whether nothing that means anything stands between two spans."""
        first, second = sorted((one, other), key=lambda each: each.begin)
        return all(self.texts[n] in _LINKS for n in range(first.end, second.begin))

    def before(self, span: Span) -> str:
        """Return the word before a span, "" at the beginning."""
        return self.texts[span.begin - 1] if span.begin else ""

    def numbers(self) -> list[tuple[Span, str]]:
        """Return where open words are amounts, written as SQL writes them."""
        found = []
        for n in sorted(self.open):
            text = self.texts[n]
            if _NUMBER.fullmatch(text):
                found.append((Span(n, n + 1), text.replace(",", "")))
            elif text in _COUNTED:
                found.append((Span(n, n + 1), str(_COUNTED.index(text))))
        return found


def words_of(text: str) -> list[str]:
    """Return the words of a name or a value in lower case; "unitPrice" and "unit_price" are two each."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return [each for each in _TOKEN.findall(parted.lower()) if each[:1] != "\x00"]


def key_of(text: str) -> Key:
    """Return the stems of the words of a name or a value."""
    return tuple(stem(each) for each in words_of(text))


def phrases(texts: str) -> list[Key]:
    """Return the keys of phrases that are separated by commas."""
    return [key_of(each) for each in texts.split(",")]


def stem(word: str) -> str:
    """Return a word without the ending of its plural or genitive."""
    word = re.sub(r"['’]s$", "", word)
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def plural(word: str) -> bool:
    """Return whether a word is written as a plural."""
    return stem(word) != word


# What "who" asks for, where a table has exactly one text column of such a name.
_PEOPLE = set(phrases(
    "name,full name,person,employee,employee name,member,staff,colleague,customer,customer name,client,salesperson,"
    "sales rep,seller,agent,author,assignee,student,teacher,player,patient,user,candidate,applicant,guest,visitor"
))  # fmt: skip


def keys_of(column: Column) -> set[Key]:
    """Return the keys of a column's name, with and without what stands in brackets behind it."""
    short = re.sub(r"[(\[].*", "", column.name)  # "Revenue (EUR)"
    return {key_of(column.name), key_of(short)} - {()}


def ends_of(columns: Sequence[Column]) -> dict[Key, Column]:
    """Return the ends of the columns' names, "hours" of weekly_hours, that are the end of no other one."""
    owners: dict[Key, set[str]] = {}
    for column in columns:
        for key in keys_of(column):
            for begin in range(1, len(key)):
                owners.setdefault(key[begin:], set()).add(column.name)
    by_name = {column.name: column for column in columns}
    return {key: by_name[next(iter(names))] for key, names in owners.items() if len(names) == 1}


def people_of(columns: Sequence[Column]) -> list[Column]:
    """Return the text columns whose names say that they hold people."""
    return [each for each in columns if each.kind == "text" and keys_of(each) & _PEOPLE]
