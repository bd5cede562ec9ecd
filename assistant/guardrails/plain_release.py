"""Release of chat without documents: as much text as can be shown without knowing what follows."""

from __future__ import annotations

import re

from assistant.guardrails.output import Output
from assistant.guardrails.release import Released, Shown, alike
from assistant.guardrails.repeats import Repeats
from assistant.guardrails.sentences import SentenceStream, parse, split, whole_sentences
from assistant.guardrails.words import content
from assistant.types import Citation

_HELD_CHARACTERS = 400  # held back at most while a link or a piece of code may still be closed
# A mark at the end of a sentence or of a part of one; elsewhere "[1]" may be a list, an index or an interval.
_STRAY = re.compile(
    r"(?<=[\w\"'”’)*])[ \t]+(?:\[\d{1,2}\])+(?=\s*(?:[.,;:!?]|\n|$))|(?<=[.!?])[ \t]*(?:\[\d{1,2}\])+(?=\s|$)"
)
_CODE = re.compile(r"(```.*?(?:```|$)|`[^`\n]*`)", re.DOTALL)


class PlainRelease:
    """Releases chat without documents as it arrives, whole words but for the very first, which may begin to show.

    Marks of citations are left out: a model that learned to cite writes them where there is nothing to cite, too.
    """

    def __init__(self, output: Output, repeats: Repeats | None = None) -> None:
        """Clean the text by `output`; `repeats` takes out what repeats the instructions."""
        self._output = output
        self._repeats = repeats or Repeats(())
        self._held = ""
        self._begun = ""  # the beginning of what is held, where it was shown already
        self._shown = Shown()
        self._repeating: SentenceStream | None = None  # of a further draft, as long as it says what was said before
        self.check_ms = 0.0
        self.citations: tuple[Citation, ...] = ()

    @property
    def text(self) -> str:
        """Return what was released so far and still stands."""
        return self._shown.text

    @property
    def settled(self) -> bool:
        """Return whether nothing more is to come: the answer began with repeating the instructions."""
        return self._repeats.found and not self.text.strip()

    async def feed(self, text: str) -> list[Released]:
        """Return what can be released now that `text` has arrived."""
        self._held += self._beyond(text)
        cut = _safe_length(self._held, bool(self._output.fenced))
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._passed(ready) or self._begin()

    async def finish(self, cut_off: bool) -> list[Released]:
        """Return what is left to release; `cut_off` changes nothing."""
        if self._repeating is not None:
            self._held += self._new(self._repeating.flush())
        ready, self._held = self._held, ""
        return self._passed(ready) + self._release(self._repeats.rest())

    def begin_again(self) -> list[Released]:
        """Forget the sentence that is not whole; another draft goes on behind those that are.

        What of it was shown is taken out of `text`, so that the whole answer has to be told again at its end; until
        then a reader is shown that the sentence was broken off.
        """
        before, whole = self.text, whole_sentences(self.text) if self._output.markdown else ""
        if whole.count("```") % 2:  # half of a code block is no more use than half of a sentence
            whole = whole[: whole.rfind("```")].rstrip()
        self._begun, self._held = "", ""
        self._repeats.rest()
        self._output.begin_again()
        self._shown.cut_to(whole)
        self._repeating = SentenceStream()
        if len(before) == len(whole) or not self._output.markdown:
            return []
        return [Released(" …" if whole else " …\n\n")]

    def _passed(self, ready: str) -> list[Released]:
        """Release what is no part of the instructions; where these begin the answer, take its first word back."""
        found, passed = self._repeats.found, self._repeats.passed(ready)
        if found or not self._repeats.found or len(self.text.split()) != 1 or whole_sentences(self.text):
            return self._release(passed)
        self._begun = ""
        self._shown.cut_to("")
        return [Released(" …\n\n"), *self._release(passed)]

    def _beyond(self, text: str) -> str:
        """Return what `text` adds to the sentences that an earlier draft has said."""
        if self._repeating is None:
            return text
        new = self._new(self._repeating.feed(text))
        if not new and self.text:
            return ""
        new, self._repeating = new + self._repeating.drop(), None  # nothing can be repeated from here on
        return new

    def _new(self, sentences: list[str]) -> str:
        """Return sentences from the first one on that was not said yet, apart from what was."""
        for n, raw in enumerate(sentences):
            if not self._said(raw):
                return ("\n\n" if self.text else "") + "".join(sentences[n:])
        return ""

    def _said(self, raw: str) -> bool:
        claim = parse(raw).claim
        words = frozenset(content(claim))
        earlier = [parse(said).claim for said in split(self.text)]
        return claim in earlier or any(alike(words, frozenset(content(said))) for said in earlier)

    def _begin(self) -> list[Released]:
        """Show the first letters of an answer at once: a reader waits for these, and for the rest no longer."""
        beginning = self._held.lstrip()
        if self.text or self._repeats.holds or not self._output.is_plain(beginning):
            return []
        self._begun = beginning
        return [Released(self._shown.add(beginning))]

    def _release(self, ready: str) -> list[Released]:
        code = self._output.fenced or not self._output.markdown
        clean = self._output.slice(ready) if ready else ""
        if clean and self._begun:  # the word is whole now, and begins as was said
            clean, self._begun = clean.lstrip()[len(self._begun) :], ""
        shown = self._shown.add(clean, clean=None if code else _unmarked) if clean else ""
        return [Released(shown)] if shown else []


def _unmarked(text: str) -> str:
    """Return `text` without marks of citations; code is left as it is."""
    return "".join(part if n % 2 else _STRAY.sub("", part) for n, part in enumerate(_CODE.split(text)))


def _safe_length(held: str, fenced: bool) -> int:
    """Return how much of `held` can be shown whatever follows: up to the last blank before markup that may be open."""
    line = held.rfind("\n") + 1
    if fenced:
        return line
    opening = re.compile(r"[!\[<`\\]|-{4}").search(held, line)
    end = held.rfind(" ", line) + 1 if " " in held[line:] else line
    if opening is None or len(held) - opening.start() > _HELD_CHARACTERS:
        return max(end, line)
    return max(min(end, opening.start()), line)
