"""Training the reader: the examples it is shown, a few real steps, and the same answers from the exported file."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from assistant.adaptation.reader.examples import Example, examples, place
from assistant.adaptation.rows import Passage, Row
from knowledge.embed import HashEmbedder
from knowledge.models import export, export_reader
from knowledge.models.graph import read_safetensors
from knowledge.reader import OnnxReader, best_span
from knowledge.types import Passage as Found

LEAVE = Passage("Leave", "Every employee has 28 days of paid leave a year. Unused days expire on 31 March.")
TRAVEL = Passage("Travel", "Employees book economy class. Business class needs the approval of a director.")
LUNCH = Passage("Canteen", "The canteen serves lunch from noon to two. Employees pay 4 euros.")


def row(question: str, context: Passage, *answers: str) -> Row:
    """Make a row about one passage, unanswerable without answers."""
    gold = (0,) if answers else ()
    return Row(question, question, (context,), gold, answers, "", context.title)


ROWS = [
    row("How many days of leave?", LEAVE, "28 days"),
    row("Who approves business class?", TRAVEL, "a director"),
    row("What do employees pay for lunch?", LUNCH, "4 euros"),
    row("What do employees pay for parking?", LUNCH),
    row("Who approves leave?", LEAVE, "the moon"),  # an answer that does not stand there
]


def made() -> list[Example]:
    """Make the examples of the rows."""
    return examples({"office": ROWS}, lambda texts: HashEmbedder().embed(list(texts)))


def as_found(passage: Passage) -> Found:
    """Return a passage as a search brings it."""
    return Found("c", "d", "k", passage.title, "", passage.text, "", None, "", 0.0)


def test_marks_the_answer_and_brings_near_misses_without_it() -> None:
    leave, travel, lunch, parking = made()
    assert leave.answer is not None and LEAVE.text[slice(*leave.answer)] == "28 days"
    assert travel.passage == TRAVEL and TRAVEL not in travel.near_misses
    assert lunch.near_misses and all("4 euros" not in one.text for one in lunch.near_misses)
    assert parking.answer is None and parking.passage == LUNCH and LUNCH not in parking.near_misses


def test_finds_an_answer_in_another_case_but_not_an_absent_one() -> None:
    assert place("On Monday.", ["monday"]) == (3, 9)
    assert place("On Monday.", ["Friday", "Monday"]) == (3, 9)
    assert place("On Monday.", ["Friday"]) is None


@pytest.mark.train
def test_learns_and_reads_the_same_from_the_file_that_ships(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the development environment")
    train = importlib.import_module("assistant.adaptation.reader.train")  # where torch is: not everywhere
    folder = export.packaged_folder()
    tokenizer = train.tokenizer_of(folder)
    torch.manual_seed(1)
    model = train.SpanReader(folder)
    losses = train.train(model, made(), tokenizer, n_steps=14, rate=4e-4, seed=1)
    assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:3])

    train.save(model, tmp_path)
    loaded = train.named(train.load_file(tmp_path / "model.safetensors"))
    assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())
    for name in (export.NAME, "tokenizer.json", "SHA256SUMS"):
        shutil.copyfile(export.HERE / name, tmp_path / name)
    export_reader.write(read_safetensors(tmp_path / "model.safetensors"), tmp_path)
    assert (tmp_path / export_reader.NAME).stat().st_size < 12e6
    reader, passages = OnnxReader(tmp_path / export_reader.NAME), [LEAVE, TRAVEL, LUNCH]
    model.eval()
    for one in ROWS:
        pairs = [train.pair(tokenizer, one.question, passage, None, titled=True) for passage in passages]
        with torch.no_grad():
            scores = model(train.padded(pairs)).numpy()
        found = reader.read(one.question, [as_found(passage) for passage in passages])
        for each, logits, passage, reading in zip(pairs, scores, passages, found, strict=True):
            wanted = best_span(each.encoding, logits[: len(each.encoding.ids)], len(passage.title) + 1)
            assert abs(reading.score - wanted.score) < 1.0
            if wanted.score > 0:
                assert (reading.start, reading.end) == (wanted.start, wanted.end)
