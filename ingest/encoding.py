"""Bytes to text, for files that do not say in which encoding they are."""

from __future__ import annotations

import codecs

from charset_normalizer import from_bytes

# Longest first: the mark of UTF-32 begins with the mark of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 64 * 1024  # bytes that the guess looks at
_ENOUGH_TO_GUESS = 48  # bytes; below, statistics only mislead


def decode(data: bytes, stated: str | None = None) -> str:
    """Return the text of `data`: by its byte order mark, as UTF-8, as `stated`, or as the best guess; never raises.

    Bytes that fit no encoding become U+FFFD. Line ends become "\\n".
    """
    return _decoded(data, stated).replace("\r\n", "\n").replace("\r", "\n")


def looks_like_text(head: bytes) -> bool:
    """Return whether the first bytes of a file may be text in some encoding."""
    if any(head.startswith(mark) for mark, _ in _MARKS) or _wide(head):
        return True
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    return controls * 50 <= len(head) or _is_ebcdic(head)


def _decoded(data: bytes, stated: str | None) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    wide = _wide(data[:_SAMPLE])
    if wide:
        return data.decode(wide, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_known(stated) or _guess(data), "replace")


def _known(encoding: str | None) -> str | None:
    try:
        return codecs.lookup(encoding).name if encoding else None
    except LookupError:
        return None


def _guess(data: bytes) -> str:
    sample = data[:_SAMPLE]
    if len(sample) < _ENOUGH_TO_GUESS and not _is_ebcdic(sample):
        return "cp1252"
    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


def _wide(head: bytes) -> str | None:
    """Return the UTF-16 or UTF-32 without mark that the zero bytes of Latin text give away."""
    if len(head) < 8 or b"\0" not in head:
        return None
    share = [head[offset::4].count(0) * 4 / len(head) for offset in range(4)]
    patterns = {
        "utf-32-be": (1, 1, 1, 0),
        "utf-32-le": (0, 1, 1, 1),
        "utf-16-be": (1, 0, 1, 0),
        "utf-16-le": (0, 1, 0, 1),
    }
    for encoding, pattern in patterns.items():
        if all(abs(found - expected) < 0.4 for found, expected in zip(share, pattern, strict=True)):
            return encoding
    return None


def _is_ebcdic(head: bytes) -> bool:
    """Return whether blanks and letters are where mainframes have them."""
    return head.count(0x40) > len(head) // 20 and head.count(0x20) * 10 < head.count(0x40)
