"""Token ids to text while they arrive: whole characters only, and stop strings that may span several tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

INCOMPLETE = "\ufffd"


class TextStream:
    """Decodes a growing sequence of token ids piece by piece, so that the pieces joined are the text of the whole."""

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._start = 0  # where the context that decoding needs begins
        self._done = 0  # ids before this one have been given out

    def push(self, ids: Sequence[int]) -> str:
        """Return the new text; empty while the last character is incomplete."""
        self._ids.extend(ids)
        text = self._pending()
        if text.endswith(INCOMPLETE):
            return ""
        self._start, self._done = self._done, len(self._ids)
        return text

    def flush(self) -> str:
        """Return what `push` held back, with U+FFFD for the bytes that never became a character."""
        text = self._pending()
        self._start = self._done = len(self._ids)
        return text

    def _pending(self) -> str:
        # Some tokenizers render a token differently at the start of a text, so decode with what came before and cut.
        before = self._decode(self._ids[self._start : self._done])
        return self._decode(self._ids[self._start :])[len(before) :]


class StopStrings:
    """Passes text on until one of the stop strings appears; holds back only what might be the start of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.hit = False

    def push(self, text: str) -> str:
        """Return the text that is certainly before any stop string; sets `hit` when one was found."""
        if self.hit:
            return ""
        text = self._held + text
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.hit, self._held = True, ""
            return text[: min(found)]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """Return what was held back, once no more text will come."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of `text` are a beginning of `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
