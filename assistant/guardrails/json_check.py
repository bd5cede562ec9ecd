"""An answer in JSON, held against the passages value by value.

Numbers have to stand in a passage exactly, dates may be written otherwise. All words of a short text have to stand in
one sentence; a longer one is judged as the sentences of an answer in words are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from assistant.guardrails import facts as exact
from assistant.guardrails.facts import Facts, Quantity
from assistant.guardrails.grounding import STATEMENT_WORDS, Check
from assistant.guardrails.json_values import parsed, unmarked, values, without
from assistant.guardrails.sentences import split
from assistant.guardrails.sources import Source, Text
from knowledge.types import Passage

_LETTERS = re.compile(r"[^\W\d_]")
_SHOWN = 60  # characters of a value that a step tells


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of an answer in JSON."""

    text: str  # as it may be shown; "" where a value stands in no passage and may not be null
    cited: tuple[int, ...]  # passages that its values stand in, 1-based, in order of the values
    values: int  # texts and numbers that were held against the passages
    left_out: tuple[str, ...]  # those that none holds


class JsonJudge(Protocol):
    """Judges answers in JSON."""

    def judge(self, text: str, schema: Mapping[str, Any]) -> Checked:
        """Return what may be shown of `text`; raises ValueError when it is no JSON."""
        ...


class CopiedJson:
    """The check of JSON whose one value was cut out of the one passage that it cites."""

    def judge(self, text: str, schema: Mapping[str, Any]) -> Checked:
        """Return that all of it stands there."""
        return Checked(text, (1,), 1, ())


class JsonCheck:
    """Holds answers to one question against the passages."""

    def __init__(self, check: Check, question: str, passages: Sequence[Passage]) -> None:
        """Judge texts by `check`, which was opened for the same passages."""
        self._check = check
        self._question = Text(question)
        self._sources = [Source(n, passage) for n, passage in enumerate(passages, start=1)]

    def judge(self, text: str, schema: Mapping[str, Any]) -> Checked:
        """Return the JSON of `text` without what no passage holds; takes milliseconds of CPU for each value.

        Raises ValueError when `text` is no JSON.
        """
        try:
            data = parsed(text)
        except ValueError:
            if self._check.sentence(text).kind == "abstention":  # a model that nothing binds to the schema may say so
                return Checked("", (), 0, ())
            raise
        plain = unmarked(data)
        found = values(plain, schema)
        held = {value.path: self._passages(value.said) for value in found}
        missing = [value for value in found if held[value.path] is None]
        cited = _fewest([numbers for numbers in held.values() if numbers])
        left_out = tuple(str(value.said)[:_SHOWN] for value in missing)
        # Words of the question and empty texts are no answer by themselves, only beside something that is one.
        if (found and not cited) or not all(value.may_be_null for value in missing):
            return Checked("", (), len(found), left_out)
        if missing or plain != data:
            text = json.dumps(without(plain, {value.path for value in missing}), ensure_ascii=False)
        return Checked(text.strip(), cited, len(found), left_out)

    def _passages(self, said: str | int | float) -> tuple[int, ...] | None:
        """Return the passages that hold a value; none of one that claims nothing, None where no passage does."""
        if not isinstance(said, str):
            number = Decimal(str(said))
            return self._holding(lambda source: _has(number, source))
        stated, bare = exact.facts(said), Text(said)
        precise = len(stated.quantities) + len(stated.dates)
        if not bare.tokens or (not precise and self._question.position(bare.tokens) >= 0):
            return ()
        if precise == 1 and not _LETTERS.search(said):
            return self._holding(lambda source: not exact.unsupported(stated, source.known_facts, source.known))
        return self._judged(said) if len(bare.stems) >= STATEMENT_WORDS else self._holding(lambda s: _says(bare, s))

    def _judged(self, said: str) -> tuple[int, ...] | None:
        judged = [self._check.sentence(sentence) for sentence in split(said)]
        if any(one.kind == "unsupported" for one in judged):
            return None
        return tuple(dict.fromkeys(n for one in judged for n in one.cited))

    def _holding(self, holds: Callable[[Source], bool]) -> tuple[int, ...] | None:
        return tuple(source.n for source in self._sources if holds(source)) or None


def _has(number: Decimal, source: Source) -> bool:
    """Return whether a passage has a number: as it is, as a share ("5%" is 0.05), or beside "million" and the like."""
    known, amount = source.known_facts, abs(number).normalize()
    stated = Facts(frozenset({Quantity(amount, "")}), frozenset(), frozenset(), False)
    share = Quantity((amount * 100).normalize(), "%")
    written = f"{amount:f}" in source.tokens
    return written or share in known.quantities or not exact.unsupported(stated, known, source.known)


def _says(short: Text, source: Source) -> bool:
    """Return whether all words of a short text stand in one sentence of a passage, or in its title and headings."""
    wanted = short.stems or frozenset(short.tokens)
    if exact.unsupported(short.facts, source.known_facts, source.known):
        return False
    return any(
        wanted <= (sentence.stems or frozenset(sentence.tokens)) for sentence in [*source.sentences, source.label]
    )


def _fewest(held: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return a passage for each value, in order; of several that hold one, one that is cited already."""
    cited: list[int] = []
    for numbers in held:
        if not set(numbers) & set(cited):
            cited.append(numbers[0])
    return tuple(cited)
