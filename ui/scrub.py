"""Text from outside, made fit for a page: nothing that breaks the wire or that turns text around.

Two dangers differ, so the functions do. `scrub` removes characters that no page should ever get, and `line` does so
for a text that stands on one line where nothing reads Markdown, as in a table. `plain` makes text inert where Streamlit
would read Markdown: labels, captions, messages; without it a document title could be an image whose address carries
secrets away.
"""

from __future__ import annotations

import re

# Lone surrogates cannot be sent to the browser; control characters have no picture; direction overrides let
# "exe.fdp" read as "pdf.exe".
_UNFIT = re.compile("[\ud800-\udfff\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
# Everything that CommonMark, GFM and Streamlit's own directives (`:red[..]`, `:material/..:`, `$..$`) may start with.
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$\"'&^=@/%])")
_SPACES = re.compile(r"\s+")


def scrub(value: object) -> object:
    """Return JSON-like `value` with every unfit character in every text replaced by U+FFFD."""
    if isinstance(value, str):
        return _UNFIT.sub("\ufffd", value)
    if isinstance(value, list):
        return [scrub(item) for item in value]
    if isinstance(value, dict):
        return {_UNFIT.sub("\ufffd", name): scrub(item) for name, item in value.items()}
    return value


def line(text: str, limit: int = 200) -> str:
    """Return `text` on one line, at most `limit` characters of it, for a place that shows text as it is."""
    said = _SPACES.sub(" ", _UNFIT.sub("\ufffd", text)).strip()
    return said if len(said) <= limit else said[: limit - 1].rstrip() + "…"


def plain(text: str, limit: int = 200) -> str:
    """Return `text` on one line, at most `limit` characters of it, so that Markdown shows it as it is."""
    return _MARKS.sub(r"\\\1", line(text, limit))
