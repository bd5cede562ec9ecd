"""Characters: what nobody sees goes, what means something stays."""

from __future__ import annotations

import pytest

from ingest.clean import clean, visible
from ingest.types import Block


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain text, 100 %", "plain text, 100 %"),
        ("e\u0301te\u0301", "été"),
        ("di\ufb00erent \ufb01le", "different file"),
        ("a\u00a0b\u2009c\u3000d", "a b c d"),
        ("co\u00adoperate", "cooperate"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("\u202eevil\u202c", "evil"),
        ("hi\U000e0068\U000e0069", "hi"),
        ("a\x00b\x1bc\x07", "abc"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\ud800", "\ufffd"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("½ ² ™ Å", "½ ² ™ Å"),
    ],
)
def test_it_keeps_what_people_see(given: str, expected: str) -> None:
    assert visible(given) == expected


def test_it_drops_blocks_that_hold_nothing() -> None:
    assert clean([Block("text", "\u200b \n"), Block("text", "a"), Block("table", "", rows=(("x",),))]) == [
        Block("text", "a"), Block("table", "", rows=(("x",),)),
    ]  # fmt: skip


def test_it_cleans_cells() -> None:
    assert clean([Block("table", "", rows=((" a\u00a0", "\ufb01"),))])[0].rows == (("a", "fi"),)


def test_it_keeps_the_indentation_of_code() -> None:
    assert clean([Block("code", "    if a:\n        b\n")])[0].text == "    if a:\n        b"


def test_it_keeps_columns_apart_and_no_more_blanks_than_that() -> None:
    wide = "Days:" + " " * 60 + "28"
    assert [block.text for block in clean([Block("text", wide)])] == [wide]
    (endless,) = clean([Block("text", "a" + " \t" * 50_000 + "b\nc")])
    assert endless.text == "a" + " " * 100 + "b\nc"
    (row,) = clean([Block("table", "", rows=(("a" + " " * 5_000 + "b",),))])[0].rows
    assert row == ("a" + " " * 100 + "b",)


def test_it_breaks_runs_that_no_tokenizer_likes() -> None:
    text = clean([Block("text", "x" * 100_000)])[0].text
    assert max(map(len, text.split())) <= 300
    assert text.replace(" ", "") == "x" * 100_000


def test_it_drops_packed_pictures() -> None:
    text = clean([Block("text", "before data:image/png;base64," + "iVBORw0KGgo" * 100 + " after")])[0].text
    assert text.split() == ["before", "after"]


def test_it_keeps_long_words_of_scripts_without_spaces() -> None:
    sentence = "就業規則" * 300
    assert clean([Block("text", sentence)])[0].text.replace(" ", "") == sentence
