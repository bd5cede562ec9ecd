"""Chunks: what they hold, how long they are, where they point."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ingest.chunk import Chunker, joined
from ingest.loaders.markdown import parse
from ingest.tokens import SPECIAL_TOKENS, TokenCounter
from ingest.types import Block, PreparedChunk
from knowledge.embed import passage_text

SENTENCE = "Every employee may take paid leave after asking their lead in good time. "


def cut(chunker: Chunker, text: str, title: str = "Leave") -> list[PreparedChunk]:
    return chunker.chunks(title, parse(text).blocks)


def test_it_fits_the_embedding_model_with_title_and_headings(chunker: Chunker, counter: TokenCounter) -> None:
    text = "# Leave\n\n" + "".join(f"## Part {n} of the policy\n\n{SENTENCE * (n * 3)}\n\n" for n in range(1, 12))
    chunks = cut(chunker, text)
    for one in chunks:
        whole = passage_text("Leave", one.chunk.heading, one.chunk.text)
        assert counter.count(whole) + SPECIAL_TOKENS == one.tokens <= 256
    assert sum(one.tokens for one in chunks) / len(chunks) > 120


def test_it_keeps_title_headings_and_anchors_apart(chunker: Chunker) -> None:
    chunks = cut(chunker, f"# Leave\n\n{SENTENCE * 12}\n\n## Parents\n\n### Weeks\n\n{SENTENCE * 12}")
    assert [(one.chunk.heading, one.chunk.anchor) for one in chunks] == [("", "leave"), ("Parents > Weeks", "weeks")]


def test_it_puts_small_neighbours_together_under_their_parent(chunker: Chunker) -> None:
    text = "# Leave\n\n## Kinds\n\n### Sick\n\nCall in.\n\n### Paid\n\nAsk first.\n\n## Other\n\n" + SENTENCE * 14
    chunks = cut(chunker, text)
    assert [one.chunk.heading for one in chunks] == ["Kinds", "Other"]
    assert chunks[0].chunk.text == "Sick\n\nCall in.\n\nPaid\n\nAsk first."
    assert chunks[0].chunk.anchor == "sick"


def test_it_puts_nothing_together_that_has_other_parents(chunker: Chunker) -> None:
    chunks = cut(chunker, "# One\n\n## a\n\nfirst\n\n# Two\n\n## b\n\nsecond", title="Title")
    assert [(one.chunk.heading, one.chunk.text) for one in chunks] == [("One > a", "first"), ("Two > b", "second")]


def test_it_loses_no_heading_without_text(chunker: Chunker) -> None:
    text = "\n".join(one.chunk.text for one in cut(chunker, "# Leave\n\n## Empty one\n\n## Full\n\nx\n\n## Last empty"))
    assert "Empty one" in text and "Last empty" in text


def test_it_repeats_the_header_of_a_table_in_every_chunk(chunker: Chunker) -> None:
    rows = "".join(f"| Country number {n} | {n} weeks |\n" for n in range(120))
    chunks = cut(chunker, f"# Leave\n\n| Country | Weeks |\n|---|---|\n{rows}")
    assert len(chunks) > 5
    assert all(one.chunk.text.startswith("| Country | Weeks |\n| --- | --- |\n| Country number") for one in chunks)
    assert all(f"| Country number {n} | {n} weeks |" in "\n".join(c.chunk.text for c in chunks) for n in range(120))


def test_it_writes_wide_tables_as_names_and_values(chunker: Chunker) -> None:
    header = tuple(f"A rather long column name number {n}" for n in range(20))
    chunks = chunker.chunks("T", [Block("table", "Caption", rows=(header, tuple(map(str, range(20)))))])
    text = joined(one.chunk.text for one in chunks)
    assert text.startswith("Caption\n")
    assert "A rather long column name number 7: 7" in text
    assert max(one.tokens for one in chunks) <= 256


def test_it_cuts_a_row_that_is_longer_than_a_chunk(chunker: Chunker) -> None:
    rows = (("Name", "Text"), ("a", "short"), ("b", SENTENCE * 60), ("c", "short too"))
    chunks = chunker.chunks("T", [Block("table", "", rows=rows)])
    assert max(one.tokens for one in chunks) <= 256
    text = "\n".join(one.chunk.text for one in chunks)
    assert "| a | short |" in text and "| c | short too |" in text and "Name: b; Text: Every" in text


def test_it_cuts_long_passages_at_sentences_with_a_little_overlap(chunker: Chunker) -> None:
    text = " ".join(f"Sentence number {n} says something about leave." for n in range(200))
    chunks = [one.chunk.text for one in chunker.chunks("Leave", [Block("text", text)])]
    assert all(one.endswith(".") for one in chunks)
    assert all(f"number {n} says" in "".join(chunks) for n in range(200))
    assert joined(chunks).replace("\n\n", " ") == text


def test_it_remembers_pages(chunker: Chunker) -> None:
    blocks = [Block("text", SENTENCE * 10, page=n, anchor=f"page={n}") for n in (1, 2, 3)]
    assert [(c.chunk.page, c.chunk.anchor) for c in chunker.chunks("T", blocks)] == [
        (1, "page=1"), (2, "page=2"), (3, "page=3"),
    ]  # fmt: skip


def test_it_knows_where_in_a_chunk_another_page_begins(chunker: Chunker) -> None:
    texts = {1: "  Everyone gets 25 days.", 2: "Interns get 12.", 4: "- Ask first.", 5: "- Then go."}
    blocks = [Block("text", text, page=n, anchor=f"page={n}") for n, text in texts.items()]
    (one,) = chunker.chunks("T", [blocks[0], *blocks])
    chunk = one.chunk
    assert chunk.page == 1
    assert [(chunk.text[at:].split("\n")[0], page) for at, page in chunk.page_breaks] == [
        ("Interns get 12.", 2), ("- Ask first.", 4), ("- Then go.", 5),
    ]  # fmt: skip


def test_it_makes_room_when_title_and_headings_are_long(chunker: Chunker) -> None:
    heading = "A heading that goes on and on about leave " * 4
    blocks = [Block("heading", heading + str(n), n) for n in range(1, 6)] + [Block("text", SENTENCE * 30)]
    chunks = chunker.chunks("A title that is long " * 9, blocks)
    assert max(one.tokens for one in chunks) <= 256
    assert all(one.chunk.heading.endswith("5") or one.chunk.heading == "" for one in chunks)


def test_it_makes_nothing_of_nothing(chunker: Chunker) -> None:
    assert chunker.chunks("T", []) == []


def test_it_cuts_text_almost_without_spaces_in_time(chunker: Chunker) -> None:
    text = " ".join(["x" * 300] * 200)
    assert max(one.tokens for one in chunker.chunks("T", [Block("text", text)])) <= 256


WORDS = some.text(alphabet=some.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=400)
BLOCKS = some.lists(
    some.one_of(
        some.builds(Block, some.just("text"), WORDS, page=some.none() | some.integers(1, 9)),
        some.builds(Block, some.just("heading"), WORDS, some.integers(1, 6)),
        some.builds(
            Block, some.just("table"), some.just(""),
            rows=some.integers(2, 4).flatmap(
                lambda n: some.lists(some.tuples(*[WORDS] * n), min_size=1, max_size=8).map(tuple)
            ),
        ),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(BLOCKS)
def test_it_loses_no_words_and_never_grows_too_long(chunker: Chunker, blocks: list[Block]) -> None:
    chunks = chunker.chunks("Title", blocks)
    assert all(one.tokens <= 256 for one in chunks)
    said = "".join((one.chunk.heading + one.chunk.text).replace("\\|", "|") for one in chunks)
    said = "".join(said.split())
    for block in blocks:
        cells = [cell for row in block.rows for cell in row]
        for text in [block.text, *cells] if block.kind != "heading" else []:
            for word in text.split():
                assert word[:20] in said


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        (["one two"], "one two"),
        ([], ""),
        (["a b", "c d"], "a b\n\nc d"),
        (["start of it, the middle of the text", "the middle of the text goes on"],
         "start of it, the middle of the text\n\ngoes on"),
    ],
)  # fmt: skip
def test_it_joins_chunks_to_the_text_that_they_came_from(texts: list[str], whole: str) -> None:
    assert joined(texts) == whole
