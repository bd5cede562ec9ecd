"""What every reranker keeps: one score per text, in order, between 0 and 1."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from knowledge.embed import MODEL_FILE
from knowledge.errors import ModelFileDamaged
from knowledge.rerank import OnnxReranker, OverlapReranker
from knowledge.types import Reranker

TEXTS = ["parking is free", "", "the canteen " * 400, "\ud800 half a pair", "parking for visitors"]


def tiny(folder: Path) -> OnnxReranker:
    """Make a cross-encoder whose logit is the share of tokens of the passage: enough to see what reaches the model."""
    onnx = pytest.importorskip("onnx", reason="needs the development environment to build a model file")
    helper, types = onnx.helper, onnx.TensorProto
    inputs = [
        helper.make_tensor_value_info(name, types.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    nodes = [
        helper.make_node("Mul", ["attention_mask", "token_type_ids"], ["passage"]),
        helper.make_node("Cast", ["passage"], ["floats"], to=types.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["logits"], axes=[1], keepdims=1),
        helper.make_node("Identity", ["input_ids"], ["unused"]),
    ]
    output = helper.make_tensor_value_info("logits", types.FLOAT, ["batch", 1])
    graph = helper.make_graph(nodes, "tiny", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (folder / "tiny.onnx").write_bytes(model.SerializeToString())
    (folder / "tokenizer.json").write_bytes(MODEL_FILE.with_name("tokenizer.json").read_bytes())
    sums = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}"
        for name in ("tiny.onnx", "tokenizer.json")
    ]
    (folder / "SHA256SUMS").write_text("\n".join(sums))
    return OnnxReranker(folder / "tiny.onnx")


@pytest.fixture(params=["overlap", "onnx"])
def reranker(request: pytest.FixtureRequest, tmp_path: Path) -> Reranker:
    """Each reranker in turn."""
    return OverlapReranker() if request.param == "overlap" else tiny(tmp_path)


def test_scores_each_text_between_0_and_1(reranker: Reranker) -> None:
    scores = reranker.score("where is parking", TEXTS)
    assert len(scores) == len(TEXTS) and all(0 <= score <= 1 for score in scores)
    assert reranker.score("where is parking", []) == []


def test_survives_odd_questions(reranker: Reranker) -> None:
    for question in ("", "\ud800", "word " * 5000):
        assert len(reranker.score(question, TEXTS)) == len(TEXTS)


def test_scores_a_text_the_same_alone(reranker: Reranker) -> None:
    together = reranker.score("parking", TEXTS[:1] + TEXTS[4:])
    assert np.isclose(reranker.score("parking", TEXTS[4:])[0], together[1], atol=0.2)


def test_refuses_a_model_that_is_not_whole(tmp_path: Path) -> None:
    tiny(tmp_path)
    (tmp_path / "tiny.onnx").write_bytes(b"torn")
    with pytest.raises(ModelFileDamaged, match="SHA-256"):
        OnnxReranker(tmp_path / "tiny.onnx")
