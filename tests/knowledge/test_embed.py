"""The embedding model that comes along, against its original; and servers that misbehave."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import numpy as np
import pytest

from knowledge.embed import MAX_TOKENS, MODEL_FILE, OnnxEmbedder, RemoteEmbedder, open_embedder, passage_text
from knowledge.errors import EmbedderUnavailable, ModelFileDamaged
from knowledge.models.export import packaged_folder
from knowledge.settings import KnowledgeSettings
from knowledge.types import Vectors

REFERENCE = Path(__file__).parent / "reference_vectors.json"


@pytest.fixture(scope="module")
def onnx() -> OnnxEmbedder:
    """The model that comes along."""
    return OnnxEmbedder(threads=2)


def cosines(one: Vectors, other: Vectors) -> Vectors:
    """Return the cosine of each row with its counterpart."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / lengths, np.float32)


def test_agrees_with_stored_vectors_of_the_float_model(onnx: OnnxEmbedder) -> None:
    stored = json.loads(REFERENCE.read_text("utf-8"))
    found = cosines(onnx.embed(stored["texts"]), np.array(stored["vectors"], np.float32))
    assert found.min() > 0.994 and found.mean() > 0.996


@pytest.mark.train
def test_agrees_with_sentence_transformers() -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="needs the environment for training")
    try:
        folder = packaged_folder()
    except SystemExit as exc:
        pytest.skip(str(exc))
    texts = json.loads(REFERENCE.read_text("utf-8"))["texts"]
    original = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    found = cosines(OnnxEmbedder().embed(texts), original.encode(texts, normalize_embeddings=True))
    assert found.min() > 0.994 and found.mean() > 0.996


def test_sees_the_first_256_tokens_and_counts_them_all(onnx: OnnxEmbedder) -> None:
    start = "leave " * 254
    assert onnx.count_tokens(start) == MAX_TOKENS and onnx.count_tokens(start * 2) > MAX_TOKENS
    assert np.allclose(onnx.embed([start]), onnx.embed([start + "parking garage"]), atol=1e-5)


@pytest.mark.parametrize("name", ["all-minilm-l6-v2.int8.onnx", "tokenizer.json", "SHA256SUMS"])
@pytest.mark.parametrize("how", ["missing", "changed"])
def test_refuses_files_that_are_not_whole(tmp_path: Path, name: str, how: str) -> None:
    for path in (MODEL_FILE, MODEL_FILE.with_name("tokenizer.json"), MODEL_FILE.with_name("SHA256SUMS")):
        shutil.copy(path, tmp_path)
    if how == "missing":
        (tmp_path / name).unlink()
    else:
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: min(50, len(whole) - 10)])
    with pytest.raises(ModelFileDamaged):
        OnnxEmbedder(tmp_path / MODEL_FILE.name)


def test_loads_the_model_when_it_is_first_needed(tmp_path: Path) -> None:
    files = MODEL_FILE, MODEL_FILE.with_name("tokenizer.json"), MODEL_FILE.with_name("SHA256SUMS")
    for path in files:
        shutil.copy(path, tmp_path)
    embedder = OnnxEmbedder(tmp_path / MODEL_FILE.name)
    assert embedder.name == "all-minilm-l6-v2.int8"
    (tmp_path / MODEL_FILE.name).unlink()
    with pytest.raises(ModelFileDamaged):
        embedder.embed(["leave"])
    shutil.copy(MODEL_FILE, tmp_path)
    vectors = embedder.embed(["leave"])
    shutil.rmtree(tmp_path)
    assert vectors.shape == (1, embedder.dimension)  # nothing is read again


def served(answer: httpx.Response | Exception) -> RemoteEmbedder:
    """Return a client of a server that always answers like this."""

    def reply(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return RemoteEmbedder("http://127.0.0.1/v1", "m", 2, None, 1.0, httpx.MockTransport(reply))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(401, json={"error": "no"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"data": []}),
        httpx.Response(200, json={"data": [{"index": 0, "embedding": [1.0, 2.0, 3.0]}]}),
        httpx.Response(200, json={"data": [{"index": 0, "embedding": "AAAA"}]}),
        httpx.Response(200, text='{"data": [{"index": 0, "embedding": [NaN, 1.0]}]}'),
        httpx.Response(200, json=[1, 2]),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_says_what_is_wrong_with_an_embedding_server(answer: httpx.Response | Exception) -> None:
    with pytest.raises(EmbedderUnavailable, match="embedding server"):
        served(answer).embed(["text"])


def test_opens_what_the_settings_name() -> None:
    assert isinstance(open_embedder(KnowledgeSettings()), OnnxEmbedder)
    remote = KnowledgeSettings(
        embedder="remote", embedder_url="http://127.0.0.1:1/v1", embedder_model="a/b", embedder_dimension=8
    )
    assert (open_embedder(remote).name, open_embedder(remote).dimension) == ("a-b", 8)


def test_embeds_a_chunk_under_its_title_and_headings() -> None:
    assert passage_text("Leave", "", "Five days.") == "Leave\nFive days."
