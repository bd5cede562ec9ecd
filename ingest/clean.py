"""Characters that people do not see, or see as others, made uniform; nothing that carries meaning is lost."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from ingest.types import Block

_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_SPACES = dict.fromkeys([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
# Invisible: joiners that shape no script, direction controls, marks, and the tag characters that smuggle text.
# The joiners U+200C and U+200D stay: Persian, Indic scripts and emoji need them.
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xFFFE, 0xFFFC,
     *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)],
    None,
)  # fmt: skip
_CONTROLS = dict.fromkeys([*range(0, 9), 11, 12, *range(14, 32), *range(127, 160)], None)
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)
_TABLE: dict[int, str | int | None] = {**_LIGATURES, **_SPACES, **_INVISIBLE, **_CONTROLS, **_SURROGATES}
_PLAIN = re.compile(r"[\t\n -~]*")
_GAP = re.compile(r"\n[ \t]*\n\s*")
_TRAILING = re.compile(r"[ \t]+\n")
# Blanks are no tokens, so nothing else bounds them, and a reader of sentences takes quadratic time over a run of them.
_WIDE = re.compile(r"[ \t]{100,}")
_LONG_RUN = re.compile(r"\S{400,}")
_PACKED = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]*(?:\s+[A-Za-z0-9+/=]{60,})*")
_RUN = 300  # characters after which a run without any space is broken


def clean(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks with visible characters only; blocks that are empty then are left out."""
    cleaned = (_block(block) for block in blocks)
    return [block for block in cleaned if block.text or block.rows]


def visible(text: str) -> str:
    """Return `text` in composed form (NFC), with plain spaces and without invisible characters."""
    if _PLAIN.fullmatch(text):
        return text
    return unicodedata.normalize("NFC", text.translate(_TABLE))


def _block(block: Block) -> Block:
    rows = tuple(tuple(_cell(cell) for cell in row) for row in block.rows)
    text = _GAP.sub("\n\n", _TRAILING.sub("\n", _narrow(visible(block.text)))).strip("\n")
    text = text if block.kind == "code" else text.strip()
    return replace(block, text=_broken(text), rows=rows)


def _cell(text: str) -> str:
    return _broken(_narrow(visible(text)).strip())


def _narrow(text: str) -> str:
    """Return `text` with at most 100 blanks beside each other, which is wider than any column."""
    return _WIDE.sub(" " * 100, text)


def _broken(text: str) -> str:
    """Drop packed pictures and the like, and break other runs without spaces, which no tokenizer likes."""
    if len(text) < 400 or not _LONG_RUN.search(text):
        return text
    text = _PACKED.sub(" ", text)
    return _LONG_RUN.sub(lambda run: " ".join(run[0][at : at + _RUN] for at in range(0, len(run[0]), _RUN)), text)
