"""Release: text goes out in slices, each one checked before it is shown; what fails the check is never seen.

A slice is a sentence that stands in a passage; its marks are numbered in order of first use. plain_release.py has what
releases chat without documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from assistant.guardrails.grounding import Check, Judged, Verdict
from assistant.guardrails.output import Output
from assistant.guardrails.quoting import cite
from assistant.guardrails.sentences import MARK, SentenceStream, parse
from assistant.guardrails.spell_out import linked, spelled_out
from assistant.guardrails.words import content
from assistant.threads import in_thread
from assistant.types import Citation
from knowledge.types import Passage

_SAME_WORDS = 0.8  # share of common words from which on two sentences count as one said twice


@dataclass(frozen=True, slots=True)
class Released:
    """A slice that may be shown, with the citations that it is the first to use."""

    text: str
    citations: tuple[Citation, ...] = ()


class GroundedRelease:
    """Releases the sentences of one answer from documents."""

    def __init__(self, check: Check, output: Output, passages: Sequence[Passage], fragments_to: str = "") -> None:
        """Hold sentences against `passages` by `check` and clean them by `output`.

        `fragments_to` is the question of a model that answers in fragments, which are shown in their sentences.
        """
        self._question = fragments_to
        self._spelled_out: set[str] = set()  # sentences of passages that were shown, without emphasis
        self._check = check
        self._output = output
        self._passages = passages
        self._stream = SentenceStream()
        self._numbers: dict[int, int] = {}  # passage number -> number in the answer
        self._citations: list[Citation] = []
        self._waiting: list[Judged] = []  # neutral sentences: shown only with the sentence that they lead to
        self._said: list[frozenset[str]] = []
        self._shown = Shown()
        self.judged: list[Judged] = []
        self.check_ms = 0.0

    @property
    def text(self) -> str:
        """Return what was released so far."""
        return self._shown.text

    @property
    def verdict(self) -> Verdict:
        """Return the verdict on all sentences so far."""
        return Verdict(tuple(self.judged))

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Return the citations of the released text, in order of first use."""
        return tuple(self._citations)

    @property
    def settled(self) -> bool:
        """Return whether nothing more is to come: the answer began with saying that the documents do not say."""
        return bool(self.judged) and self.judged[0].kind == "abstention" and not self.text

    async def feed(self, text: str) -> list[Released]:
        """Return what can be released now that `text` has arrived."""
        return [slice_ for raw in self._stream.feed(text) for slice_ in await self._sentence(raw)]

    async def finish(self, cut_off: bool) -> list[Released]:
        """Return what is left to release at the end of the draft.

        `cut_off`: the draft ended at its limit; half a sentence is left out when whole ones were released.
        """
        left = self._stream.flush()
        if cut_off and self.text:
            left = left[:-1]
        return [slice_ for raw in left for slice_ in await self._sentence(raw)]

    def begin_again(self) -> list[Released]:
        """Forget what was not released: another draft follows, which may repeat what was. Nothing is to be shown."""
        self._stream.drop()
        self._waiting.clear()
        self.judged = [judged for judged in self.judged if judged.kind == "supported"]
        return []

    async def _sentence(self, raw: str) -> list[Released]:
        started = perf_counter()
        judged = await in_thread(self._check.sentence, raw)
        self.check_ms += (perf_counter() - started) * 1000
        words = frozenset(content(judged.sentence.claim))
        if judged.kind == "supported" and any(alike(words, said) for said in self._said):
            return []
        self.judged.append(judged)
        if judged.kind == "neutral":
            self._waiting.append(judged)
            return []
        if judged.kind == "supported":
            self._said.append(words)
            leading, self._waiting = self._waiting, []
            return [*(self._release(lead) for lead in leading), self._release(judged)]
        self._waiting.clear()
        # After something was said, "The documents do not say when." is an honest part of the answer.
        return [self._release(judged)] if judged.kind == "abstention" and self.text else []

    def _release(self, judged: Judged) -> Released:
        judged = self._whole(judged)
        new = [number for number in dict.fromkeys(judged.cited) if number not in self._numbers]
        for number in new:
            self._numbers[number] = len(self._numbers) + 1
            self._citations.append(cite(self._numbers[number], self._passages[number - 1], judged.sentence.claim))
        marked = _marked(judged, self._numbers)
        shown = self._output.slice(marked if self._output.fenced else linked(marked))
        text = self._shown.add(shown, apart=True)
        return Released(text, tuple(self._citations[len(self._citations) - len(new) :]))

    def _whole(self, judged: Judged) -> Judged:
        """Return `judged` with the sentence that its claim stands in, once for each sentence."""
        if not self._question or not judged.cited:
            return judged
        text = self._passages[judged.cited[0] - 1].text
        sentence = spelled_out(judged.sentence.claim, self._question, text)
        if sentence is None or (bare := sentence.replace("**", "")) in self._spelled_out:
            return judged
        self._spelled_out.add(bare)
        raw, marks = judged.sentence.raw, "".join(f"[{n}]" for n in judged.cited)
        return replace(judged, sentence=parse(f"{sentence} {marks}{raw[len(raw.rstrip()) :]}"))


class Shown:
    """The text that was shown: blanks at its end wait until something follows, so that it never ends in any."""

    def __init__(self) -> None:
        """Nothing was shown."""
        self.text = ""
        self._blanks = ""

    def cut_to(self, text: str) -> None:
        """Take back all but `text`, with which what was shown begins."""
        self.text, self._blanks = text, ""

    def add(self, text: str, apart: bool = False, clean: Callable[[str], str] | None = None) -> str:
        """Return what to show for `text`; `apart`: with at least a blank between it and what came before.

        `clean` is given the character before it, too.
        """
        text = self._blanks + text if self.text else text.lstrip()
        if clean is not None:
            before = self.text[-1:]
            text = clean(before + text)[len(before) :]
        if apart and self.text and text[:1].strip():
            text = " " + text
        body = text.rstrip()
        self._blanks = text[len(body) :]
        self.text += body
        return body


def _marked(judged: Judged, numbers: dict[int, int]) -> str:
    """Return a sentence with its marks as the answer numbers them."""
    raw = judged.sentence.raw
    kept = set(judged.cited)

    def renumbered(mark: re.Match[str]) -> str:
        return "".join(f"[{numbers[n]}]" for n in map(int, re.findall(r"\d+", mark[1])) if n in kept)

    if kept and kept <= set(judged.sentence.cited):
        text = MARK.sub(renumbered, raw)
        return re.sub(r"[ \t]+([.,;:!?])", r"\1", text) if kept != set(judged.sentence.cited) else text
    marks = "".join(f"[{numbers[n]}]" for n in judged.cited)
    bare = re.sub(r"[ \t]+([.,;:!?])", r"\1", MARK.sub("", raw))
    if not marks:
        return bare
    body = bare.rstrip()
    blanks = raw[len(raw.rstrip()) :]
    ending = re.search(r"[.!?…。！？]*[\"'”’)]*$", body)
    at = ending.start() if ending else len(body)
    return f"{body[:at].rstrip()} {marks}{body[at:]}{blanks}"


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether two sentences have nearly all of their words in common, so that one says the other again."""
    return bool(one) and len(one & other) >= _SAME_WORDS * max(len(one), len(other))
