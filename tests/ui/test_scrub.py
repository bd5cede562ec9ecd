"""Text from outside on its way into labels."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from ui.scrub import plain, scrub


@pytest.mark.parametrize(
    "name",
    [
        "![x](https://evil.example/?q=secret)",
        "[click](https://evil.example)",
        "**bold** _it_ `code` ~~s~~",
        "<b>hi</b> <https://evil.example>",
        ":red[alarm] :material/home: :smile:",
        "$x^2$",
        "# heading",
        "- item",
        "1. item",
        "> quote",
        "a | b",
        "back\\slash",
        "tea & “quotes” 'single' \"double\"",
    ],
)
def test_shows_a_name_as_it_is_written(name: str) -> None:
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(plain(name))
    shown = html.removeprefix("<p>").removesuffix("</p>\n")
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        shown = shown.replace(entity, char)
    assert shown == name
    assert "<img" not in html and "<a " not in html and "<strong" not in html


def test_puts_a_name_on_one_line_and_cuts_it() -> None:
    assert plain("a\nb\t c\r\n") == "a b c"
    assert plain("x" * 300, 10) == "x" * 9 + "…"


def test_replaces_what_cannot_be_sent_or_turns_text_around() -> None:
    dirty = {"a": ["\ud800x", "pdf.\u202eexe"], "b\x00": {"c": "d\x07\n\te"}, "n": 3}
    assert scrub(dirty) == {"a": ["\ufffdx", "pdf.\ufffdexe"], "b\ufffd": {"c": "d\ufffd\n\te"}, "n": 3}


def test_leaves_other_languages_alone() -> None:
    for text in ("Grüße", "日本語", "שלום עולם", "مرحبا", "👩\u200d🚀"):
        assert scrub(text) == text and plain(text) == text
