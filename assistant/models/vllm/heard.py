"""Whether an answer holds text, found in its bytes while they pass: parsing each event would cost more."""

from __future__ import annotations

import re

# What a client is shown or told to call; each of them in one JSON string.
_SAID = re.compile(rb'"(?:content|reasoning|reasoning_content|arguments)"\s*:\s*"((?:[^"\\]|\\.)+)')
_CUT = re.compile(rb'"finish_reason"\s*:\s*"length"')
# A token of common languages has about four letters, of rare ones a third of a character. An answer that was cut off
# and has fewer than a character for every four tokens consists of tokens that say nothing.
TOKENS_PER_CHARACTER = 4
FEWEST_TOKENS = 8  # below that, half a character is all that an honest answer may have
ENOUGH = 64  # bytes; who has said so much speaks


class Heard:
    """What one answer of at most `most_tokens` has said so far."""

    def __init__(self, most_tokens: int) -> None:
        """Nothing yet."""
        self._most_tokens = most_tokens
        self._needed = min(ENOUGH, most_tokens // TOKENS_PER_CHARACTER)
        self._said = 0
        self._cut = False

    def add(self, block: bytes) -> None:
        """Take the next bytes."""
        if self._said < self._needed:
            self._said += sum(len(text) for text in _SAID.findall(block))
            self._cut = self._cut or _CUT.search(block) is not None

    @property
    def mute(self) -> bool:
        """Return whether it went on to its last token and said nothing, or next to nothing."""
        return self._cut and self._most_tokens >= FEWEST_TOKENS and self._said < self._needed
