"""What every reader keeps: one reading per passage, in order, each a stretch of its passage's text."""

from __future__ import annotations

from math import isinf
from pathlib import Path

import pytest

from knowledge.errors import ModelFileDamaged
from knowledge.reader import READER_FILE, OnnxReader, OverlapReader, Reader
from knowledge.types import Passage

TEXTS = ["Parking costs 4 euros a day.", "", "the canteen " * 400, "\ud800 half a pair", "🅿 Visitors park on level 2."]


def passage(text: str, title: str = "Handbook") -> Passage:
    """Make a passage of a document called `title`."""
    return Passage(
        chunk_id="c", document_id="d", collection_id="k", title=title, path="", text=text, heading="", page=None,
        anchor="", score=0.0,
    )  # fmt: skip


@pytest.fixture(scope="module", params=[OverlapReader, OnnxReader])
def reader(request: pytest.FixtureRequest) -> Reader:
    """Each reader in turn."""
    made: Reader = request.param()
    return made


def test_reads_each_passage_in_order(reader: Reader) -> None:
    readings = reader.read("What does parking cost?", [passage(text) for text in TEXTS])
    assert len(readings) == len(TEXTS)
    for text, reading in zip(TEXTS, readings, strict=True):
        assert 0 <= reading.start <= reading.end <= len(text)
        assert isinf(reading.score) or reading.end > reading.start
    assert readings[1].score == -float("inf")
    assert readings[0].score == max(reading.score for reading in readings)


def test_reads_a_passage_the_same_alone(reader: Reader) -> None:
    together = reader.read("Where do visitors park?", [passage(text) for text in TEXTS])
    assert reader.read("Where do visitors park?", [passage(TEXTS[4])]) == [together[4]]
    assert reader.read("Where do visitors park?", []) == []


def test_survives_odd_questions_and_no_title(reader: Reader) -> None:
    for question in ("", "\ud800", "word " * 5000):
        assert len(reader.read(question, [passage(text, title="") for text in TEXTS])) == len(TEXTS)


def test_refuses_a_model_that_is_not_whole(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("torn")
    (folder / "reader.int8.onnx").write_bytes(b"torn")
    with pytest.raises(ModelFileDamaged, match="SHA256SUMS"):
        OnnxReader(folder / "reader.int8.onnx")


@pytest.mark.parametrize(
    "part", ["reader.int8.onnx", "reader.tokenizer.json", "reader.words.bin", "reader.matrices.bin"]
)
def test_refuses_a_model_one_of_whose_files_is_another(tmp_path: Path, part: str) -> None:
    for file in READER_FILE.parent.glob("reader.*"):
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "SHA256SUMS").symlink_to(READER_FILE.with_name("SHA256SUMS"))
    (tmp_path / part).unlink()
    with pytest.raises(ModelFileDamaged, match=part):
        OnnxReader(tmp_path / READER_FILE.name)
    (tmp_path / part).write_bytes(b"torn")
    with pytest.raises(ModelFileDamaged, match=part):
        OnnxReader(tmp_path / READER_FILE.name)
