"""Passages prepared for judging: sentences, stems, facts and, on demand, one vector per sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from assistant.guardrails import facts as exact
from assistant.guardrails.sentences import split
from assistant.guardrails.words import content, tokens
from knowledge.types import Passage, Vectors

Embed = Callable[[list[str]], Vectors]
_SENTENCE_CHARACTERS = 600  # of one sentence that is embedded; the rest would not fit the embedder anyway


class Text:
    """A stretch of text with what is compared about it, each computed once."""

    def __init__(self, text: str) -> None:
        """Take the text as it is."""
        self.text = text

    @cached_property
    def tokens(self) -> list[str]:
        """Return its words, lower case, in order."""
        return tokens(self.text)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Return the stems of its content words."""
        return frozenset(content(self.text))

    @cached_property
    def facts(self) -> exact.Facts:
        """Return its numbers, dates, names and negation."""
        return exact.facts(self.text)

    def position(self, words: Sequence[str]) -> int:
        """Return where `words` stand in a row among its words, or -1."""
        if not words or not set(words) <= set(self.tokens):
            return -1
        last = len(self.tokens) - len(words) + 1
        return next((i for i in range(last) if self.tokens[i : i + len(words)] == list(words)), -1)


class Source(Text):
    """One numbered passage."""

    def __init__(self, n: int, passage: Passage) -> None:
        """Prepare the passage that an answer cites as `n`; title and headings count as its words."""
        self.n = n
        self.passage = passage
        self.label = Text(f"{passage.title} {passage.heading}")
        super().__init__(passage.text)

    @cached_property
    def sentences(self) -> list[Text]:
        """Return its sentences; a passage without any text has one that is empty."""
        return [Text(part.strip()) for part in split(self.text)]

    @cached_property
    def known(self) -> frozenset[str]:
        """Return the stems of the passage, its title and its headings."""
        return self.stems | self.label.stems

    @cached_property
    def known_facts(self) -> exact.Facts:
        """Return the facts of the passage, its title and its headings."""
        return exact.facts(f"{self.passage.title}\n{self.passage.heading}\n{self.text}")

    def around(self, index: int, reach: int = 1) -> frozenset[str]:
        """Return the stems of a sentence and its neighbours up to `reach` away; of a table row, with its header."""
        near = self.sentences[max(0, index - reach) : index + reach + 1]
        if self.sentences[index].text.startswith("|"):
            near = [*near, next(s for s in self.sentences if s.text.startswith("|"))]
        return frozenset().union(*(s.stems for s in near))


class Sources:
    """The passages of one answer; vectors are made when first needed and kept."""

    def __init__(self, passages: Sequence[Passage], embed: Embed) -> None:
        """Number `passages` from 1 in their order."""
        self.all = [Source(n, passage) for n, passage in enumerate(passages, start=1)]
        self._embed = embed
        self._vectors: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}

    def get(self, n: int) -> Source | None:
        """Return the passage cited as `n`, or None when there is none."""
        return self.all[n - 1] if 1 <= n <= len(self.all) else None

    def nearness(self, text: Text, source: Source, words: frozenset[str]) -> Vectors:
        """Return the similarity of `text` to each sentence of `source`, -1..1; -1 for those that share none of `words`.

        Leaving those out halves the time and does not change which sentence is nearest, as good as ever.
        """
        chosen = [i for i, s in enumerate(source.sentences) if s.stems & words] or list(range(len(source.sentences)))
        vectors = self.vectors([text.text, *(source.sentences[i].text for i in chosen)])
        near = np.full(len(source.sentences), -1.0, np.float32)
        near[chosen] = vectors[1:] @ vectors[0]
        return near

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, in order; only texts not seen before are computed."""
        short = [text[:_SENTENCE_CHARACTERS] or " " for text in texts]
        missing = list(dict.fromkeys(text for text in short if text not in self._vectors))
        if missing:
            self._vectors.update(zip(missing, self._embed(missing), strict=True))
        return np.stack([self._vectors[text] for text in short]).astype(np.float32)
