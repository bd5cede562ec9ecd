"""Sentences: whole texts and streams are cut alike, and nothing gets lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.guardrails.sentences import SentenceStream, parse, split

PIECES = st.text(
    st.sampled_from(list("abAB .!?\n[]12()\"'…。！,;:-`|")) | st.characters(codec="utf-8"),
    max_size=80,
)


@given(PIECES)
def test_it_gives_back_the_very_text_when_sentences_are_joined(text: str) -> None:
    assert "".join(split(text)) == text


@given(PIECES, st.integers(1, 7))
def test_it_loses_nothing_of_a_stream(text: str, size: int) -> None:
    stream = SentenceStream()
    got = [s for i in range(0, len(text), size) for s in stream.feed(text[i : i + size])] + stream.flush()
    assert "".join(got) == (text if text.strip() else "".join(got))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_it_cuts_a_stream_like_the_whole_text(size: int) -> None:
    text = "It closed in 1990. [2] Then J. Smith came [1]. Was it 3.5 km?\n- a list\n- e.g. this\n诺曼底。[1]法国。 End"
    stream = SentenceStream()
    got = [s for i in range(0, len(text), size) for s in stream.feed(text[i : i + size])] + stream.flush()
    assert got == split(text)
    assert got[0] == "It closed in 1990. [2] "


@pytest.mark.parametrize(
    "text",
    ["Dr. Smith works for the U.S. Army.", "See Fig. 3 and e.g. No. 7.", "It costs 3.50 dollars.", "1. Open the door."],
)
def test_it_does_not_cut_at_abbreviations_and_numbers(text: str) -> None:
    assert split(text) == [text]


def test_it_takes_claim_and_marks_apart() -> None:
    assert parse("- France [2], [3; 4]. ").cited == (2, 3, 4)
    assert parse("- France [2][3]. ").claim == "France."
    assert parse("According to the documents, leave is 25 days [1].").claim == "leave is 25 days."
    assert parse("Paris 【1】.").cited == (1,)


def test_it_waits_for_a_mark_that_may_still_come() -> None:
    stream = SentenceStream()
    assert stream.feed("It is France. ") == []
    assert stream.feed("[") == []
    assert stream.feed("1] It") == ["It is France. [1] "]
    assert stream.drop() == "It"
    assert stream.flush() == []


@pytest.mark.parametrize("sign", [" ", ".", "?!", "\t "])
def test_a_million_blanks_or_stops_are_no_work(sign: str) -> None:
    text = f"Leave is 25 days{sign * (1_000_000 // len(sign))}b and more.\nAsk first."
    assert split(text) == [text[:-10], "Ask first."]  # with a look from each of them on it would take hours


@pytest.mark.parametrize("word", ["ab. ", "1. b ", "a.b. c", "e.g. "])
def test_a_long_answer_without_a_whole_sentence_is_no_work(word: str) -> None:
    text = word * (20_000 // len(word))
    stream = SentenceStream()
    got = [s for sign in text for s in stream.feed(sign)] + stream.flush()
    assert got == split(text)  # with a look at all of it for each sign it would take an hour


@given(
    st.lists(st.sampled_from(["Mr", "e.g", "No", "ab", "Ab", "1", ".", " ", "\n", "[", "1]", "[2]", "?", "。", ")"]))
)
def test_it_cuts_each_further_piece_of_a_stream_as_if_it_looked_at_all_again(pieces: list[str]) -> None:
    stream, held = SentenceStream(), ""
    for piece in pieces:
        held += piece
        got = stream.feed(piece)
        anew = SentenceStream()
        assert got == anew.feed(held)
        held = anew.drop()
    assert stream.drop() == held
