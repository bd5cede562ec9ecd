"""What every embedder keeps: one unit row per text, in order, the same each time, whatever the texts."""

from __future__ import annotations

import json
from functools import lru_cache

import httpx
import numpy as np
import pytest

from knowledge.embed import HashEmbedder, OnnxEmbedder, RemoteEmbedder
from knowledge.types import Embedder

TEXTS = [
    "How many days of leave carry over?",
    "leave",
    "Parking is free.",
    "x " * 600,
    "休暇の申請",
    "😀",
    "",
    "\0",
    "\ud800",
]


@lru_cache(maxsize=1)
def onnx() -> OnnxEmbedder:
    """The model that comes along."""
    return OnnxEmbedder(threads=2)


def remote() -> RemoteEmbedder:
    """A client of a server that embeds by hashing and answers in any order."""

    def answer(request: httpx.Request) -> httpx.Response:
        texts = json.loads(request.content)["input"]
        table = HashEmbedder(16).embed(texts)
        data = [{"index": n, "embedding": (3 * row).tolist()} for n, row in enumerate(table)]
        return httpx.Response(200, json={"data": data[::-1]})

    return RemoteEmbedder("http://127.0.0.1/v1", "served/model", 16, "key", 5.0, httpx.MockTransport(answer))


@pytest.fixture(params=["hash", "onnx", "remote"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    """Each embedder in turn."""
    return {"hash": HashEmbedder, "onnx": onnx, "remote": remote}[request.param]()


def test_gives_one_unit_row_per_text(embedder: Embedder) -> None:
    table = embedder.embed(TEXTS)
    assert table.shape == (len(TEXTS), embedder.dimension) and table.dtype == np.float32
    assert np.allclose(np.linalg.norm(table, axis=1), 1, atol=1e-4)


def test_gives_no_row_for_no_text(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_gives_a_text_the_same_vector_whatever_stands_beside_it(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS)
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert np.allclose(together, alone, atol=1e-4)
    assert np.allclose(embedder.embed(TEXTS[::-1])[::-1], together, atol=1e-4)


def test_puts_related_texts_closer_than_others(embedder: Embedder) -> None:
    question, near, far = embedder.embed(["how many days of leave", "days of leave", "parking garage"])
    assert question @ near > question @ far


def test_has_a_name_that_can_be_a_folder(embedder: Embedder) -> None:
    assert embedder.name and "/" not in embedder.name
