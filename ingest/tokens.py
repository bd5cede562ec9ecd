"""How long a text is for the embedding model."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

import knowledge.models

SPECIAL_TOKENS = 2  # that the model puts around each text
_REMEMBERED = 2_000  # texts
TOKENIZER = Path(next(iter(knowledge.models.__path__))) / "tokenizer.json"


class TokenCounter:
    """Counts tokens with the tokenizer of the embedding model."""

    def __init__(self) -> None:
        """Read the tokenizer; takes 50 ms."""
        self._tokenizer = Tokenizer.from_file(str(TOKENIZER))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._known: dict[str, int] = {}

    def count(self, text: str) -> int:
        """Return the number of tokens of `text`, without the special ones around it."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def count_again(self, text: str) -> int:
        """Return the same as `count`, remembered: for headings and the like, which come up many times."""
        if text not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = self.count(text)
        return self._known[text]

    def count_all(self, texts: list[str]) -> list[int]:
        """Return the number of tokens of each text, in order."""
        return [len(one.ids) for one in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
