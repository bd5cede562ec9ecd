"""The reader that ships: it finds answers, says where there is none, and keeps to the passage's characters."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer

from knowledge.reader import READER_FILE, OnnxReader, best_span
from knowledge.types import Passage

LEAVE = "Every employee has 28 days of paid leave a year. Unused days expire on 31 March of the following year."
TRAVEL = "Employees book economy class. Business class needs the approval of a director, in writing."


def passage(text: str, title: str) -> Passage:
    """Make a passage of a document called `title`."""
    return Passage(
        chunk_id="c", document_id="d", collection_id="k", title=title, path="", text=text, heading="", page=None,
        anchor="", score=0.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def reader() -> OnnxReader:
    """The reader that ships."""
    return OnnxReader()


@pytest.mark.parametrize(
    ("question", "best", "answer"),
    [
        ("How many days of paid leave does an employee have?", 0, "28"),
        ("When do unused days expire?", 0, "31 March"),
        ("Who approves business class?", 1, "director"),
    ],
)
def test_finds_the_passage_and_the_words(reader: OnnxReader, question: str, best: int, answer: str) -> None:
    passages = [passage(LEAVE, "Leave"), passage(TRAVEL, "Travel policy")]
    readings = reader.read(question, passages)
    assert max(range(2), key=lambda n: readings[n].score) == best
    found = readings[best]
    assert answer in passages[best].text[found.start : found.end]


def test_is_less_sure_where_the_passage_does_not_say(reader: OnnxReader) -> None:
    [asked] = reader.read("When do unused days expire?", [passage(LEAVE, "Leave")])
    [other] = reader.read("How much does the canteen charge for lunch?", [passage(LEAVE, "Leave")])
    assert asked.score > other.score + 2


def test_never_answers_with_the_title_or_the_question() -> None:
    tokenizer = Tokenizer.from_file(str(READER_FILE.with_name("reader.tokenizer.json")))
    tokenizer.no_padding()
    encoding = tokenizer.encode("who", "Boss\nAnn leads.")
    logits = np.zeros((len(encoding.ids), 2), np.float32)
    for token in ("who", "boss"):
        logits[encoding.tokens.index(token)] = 50.0
    logits[encoding.tokens.index("ann")] = 9.0
    reading = best_span(encoding, logits, len("Boss\n"))
    assert (reading.start, reading.end, reading.score) == (0, 3, 18.0)
