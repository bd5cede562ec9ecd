"""Repetitions inside a document: the first copy stays, and whatever may say something else."""

from __future__ import annotations

from ingest.dedupe import without_repeats
from ingest.types import PreparedChunk
from knowledge.types import NewChunk

NOTICE = (
    "This document is confidential and may not be passed on to anybody outside of the company without the written "
    "consent of the board of directors, which has to be asked for in good time before the planned publication."
)


def kept(*texts: str) -> list[str]:
    return [one.chunk.text for one in without_repeats([PreparedChunk(NewChunk(text), 10) for text in texts])]


def test_it_keeps_the_first_of_equal_chunks() -> None:
    assert kept("a b c", "other", "A  b, c!") == ["a b c", "other"]


def test_it_keeps_the_first_of_nearly_equal_chunks() -> None:
    assert kept(NOTICE, NOTICE.replace("planned publication", "publication")) == [NOTICE]


def test_it_keeps_chunks_that_differ_in_a_number_a_name_or_a_negation() -> None:
    base = NOTICE + " The fee is 50 euros in Berlin."
    others = [base.replace("50", "60"), base.replace("Berlin", "Paris"), base.replace("may not be", "may be")]
    assert kept(base, *others) == [base, *others]


def test_it_keeps_short_chunks_that_are_only_alike() -> None:
    assert kept("we pay the bill on monday", "we pay the bill on friday") == [
        "we pay the bill on monday",
        "we pay the bill on friday",
    ]


def test_it_keeps_all_that_is_different() -> None:
    texts = [f"Chapter {n}: " + " ".join(f"word{n}{k}" for k in range(40)) for n in range(50)]
    assert kept(*texts) == texts


def test_it_keeps_what_has_no_words() -> None:
    assert kept("---", "***", "") == ["---", "***", ""]
