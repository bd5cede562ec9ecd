"""Training the reader: the examples it is shown, a few real steps, and the same answers from the exported file."""

from __future__ import annotations

import importlib
import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
import pytest
from numpy.typing import NDArray

from assistant.adaptation.errors import DatasetError
from assistant.adaptation.reader.examples import Example, examples, place
from assistant.adaptation.reader.texts import texts
from assistant.adaptation.rows import Passage, Row
from knowledge.embed import HashEmbedder
from knowledge.models import export_reader
from knowledge.models.graph import Encoder, build, read_safetensors
from knowledge.reader import READER_FILE, OnnxReader, best_span
from knowledge.types import Passage as Found

SMALL = Encoder(layers=4, heads=4, width=48, epsilon=1e-5, first_position=2)
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
    return examples({"office": ROWS}, embed)


def embed(given: Sequence[str]) -> NDArray[np.float32]:
    """Embed without a model."""
    return HashEmbedder().embed(list(given))


def as_found(passage: Passage) -> Found:
    """Return a passage as a search brings it."""
    return Found("c", "d", "k", passage.title, "", passage.text, "", None, "", 0.0)


def test_marks_the_answer_and_brings_near_misses_without_it() -> None:
    leave, travel, lunch, parking = made()
    assert leave.answer is not None and LEAVE.text[slice(*leave.answer)] == "28 days"
    assert travel.passage == TRAVEL and TRAVEL not in travel.near_misses
    assert lunch.near_misses and all("4 euros" not in one.text for one in lunch.near_misses)
    assert parking.answer is None and parking.passage == LUNCH and LUNCH not in parking.near_misses


def test_brings_the_nearest_texts_of_another_kind(tmp_path: Path) -> None:
    guide = tmp_path / "guides" / "code-review" / "readme.md"
    guide.parent.mkdir(parents=True)
    guide.write_text("# Reviews\n\n" + "A reviewer says what is good. " * 20 + "\n\nToo short.")
    rows = tmp_path / "advice.jsonl"
    long = "Employees of a canteen who serve lunch wash their hands before. " * 30
    rows.write_text("\n".join(map(json.dumps, ({"id": "1", "text": long}, {"id": "2", "text": "Rest."}))))
    review, advice = texts([tmp_path / "guides", rows])
    assert review.title == "code-review" and review.text.startswith("# Reviews") and "short" not in review.text
    assert advice.title == "" and long.startswith(advice.text) and len(advice.text) == 1100
    shown = examples({"office": ROWS}, embed, [review, advice])
    assert all(set(one.others) == {review, advice} for one in shown)
    assert shown[2].question.startswith("What do employees pay for lunch") and shown[2].others[0] == advice


@pytest.mark.parametrize("content", [b"no JSON", b"[1]", b"\xff", None])
def test_says_which_texts_it_cannot_read(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "advice.jsonl"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DatasetError, match=r"Cannot read texts from .*advice\.jsonl"):
        texts([file])


def test_asks_a_passage_about_another_name_or_number() -> None:
    rows = [
        row("Who leads the office in Oslo?", Passage("Offices", "Ann leads Oslo. Bo leads Rome."), "Ann"),
        row("Who leads the office in Rome?", Passage("Offices", "Bo leads Rome."), "Bo"),
        row("Who led in 2018?", Passage("Offices", "Cy led in 2018 and in 2017."), "Cy"),
        row("who wrote the moon atlas", Passage("The Moon Atlas (1999)", "Di wrote it."), "Di"),
        row("when did the sun atlas come out", Passage("The Sun Atlas", "In 2001."), "2001"),
        row("Who leads?", Passage("Teams", "Ed leads."), "Ed"),
    ]
    oslo, rome, led, moon, sun, lead = examples({"office": rows}, embed)
    assert oslo.twists == ()  # the other name stands in its passage
    assert rome.twists == ("Who leads the office in Oslo?",)
    assert led.twists and all(len(one) == len(led.question) and "2018" not in one for one in led.twists)
    assert all("2017" not in one and one.startswith("Who led in 2") for one in led.twists)
    assert moon.twists == ("who wrote the sun atlas",) and sun.twists == ("when did the moon atlas come out",)
    assert lead.twists == ()
    doubted = [*rows, row("Who leads the office in Bern?", Passage("Offices", "Bo leads Rome."))]
    assert examples({"office": doubted}, embed)[1].twists == ()  # people wrote such questions about this document


def test_finds_an_answer_in_another_case_but_not_an_absent_one() -> None:
    assert place("On Monday.", ["monday"]) == (3, 9)
    assert place("On Monday.", ["Friday", "Monday"]) == (3, 9)
    assert place("On Monday.", ["Friday"]) is None


def test_shows_a_part_of_a_passage_with_its_answer_in_it() -> None:
    train = pytest.importorskip("assistant.adaptation.reader.train", reason="needs the development environment")
    long = Passage("Leave", f"{TRAVEL.text} {LEAVE.text} {LUNCH.text}")
    at = (long.text.index("28 days"), long.text.index("28 days") + 7)
    shown = [train.part(long, at, length, random.Random(length)) for length in range(5, 240)]
    assert all(some.text[slice(*answer)] == "28 days" and some.text in long.text for some, answer in shown)
    assert len({some.text for some, _ in shown}) > 20 and min(len(some.text) for some, _ in shown) < 40
    near, none = train.part(long, None, 60, random.Random(1))
    assert none is None and near.text in long.text and len(near.text) < 80


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder of an encoder of the reader's kind, with weights drawn by chance."""
    transformers = pytest.importorskip("transformers", reason="needs the development environment")
    folder = tmp_path_factory.mktemp("mpnet")
    config = transformers.MPNetConfig(
        hidden_size=SMALL.width, num_hidden_layers=SMALL.layers, num_attention_heads=SMALL.heads,
        intermediate_size=4 * SMALL.width, max_position_embeddings=514, layer_norm_eps=SMALL.epsilon,
        hidden_dropout_prob=0.0, initializer_range=0.1,
    )  # fmt: skip
    transformers.set_seed(1)
    transformers.MPNetModel(config, add_pooling_layer=False).save_pretrained(folder)
    shutil.copyfile(READER_FILE.with_name(export_reader.TOKENIZER), folder / "tokenizer.json")
    return folder


@pytest.mark.train
def test_learns_and_reads_the_same_from_the_file(small: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the development environment")
    train = importlib.import_module("assistant.adaptation.reader.train")  # where torch is: not everywhere
    tokenizer = train.tokenizer_of(small)
    torch.manual_seed(1)
    model = train.SpanReader(small)
    losses = train.train(model, made(), tokenizer, n_steps=60, rate=1e-3, seed=1, out=tmp_path)
    assert np.mean(losses[-3:]) < 0.5 * np.mean(losses[:3])

    loaded = train.named(train.load_file(tmp_path / "model.safetensors"))
    assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())
    export_reader.write(read_safetensors(tmp_path / "model.safetensors"), SMALL, small / "tokenizer.json", tmp_path)
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


@pytest.mark.train
def test_floats_of_the_graph_are_those_of_the_model(small: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the development environment")
    train = importlib.import_module("assistant.adaptation.reader.train")
    model, tokenizer = train.SpanReader(small).eval(), train.tokenizer_of(small)
    weights = {name.removeprefix("encoder."): value.numpy() for name, value in model.state_dict().items()}
    graph = build("reader", SMALL, export_reader.renamed(weights), {}, export_reader.spans)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    long = Passage(
        "Canteen", " ".join([LEAVE.text, TRAVEL.text, LUNCH.text] * 5)
    )  # farther apart than the buckets tell
    batch = train.padded([train.pair(tokenizer, "Who approves leave?", long, None, titled=True)])
    with torch.no_grad():
        wanted = model(batch)[0].numpy()
    (found,) = session.run(["spans"], {"input_ids": batch.ids.numpy(), "attention_mask": batch.mask.numpy()})
    told = wanted[:, 0] > -1000  # the question's tokens are ruled out by the model, and by `best_span` in the product
    assert len(wanted) > 200 and np.abs(found[0] - wanted)[told].max() < 1e-4
