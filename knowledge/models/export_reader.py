"""Make reader.int8.onnx from trained weights: `python -m knowledge.models.export_reader RUN`.

RUN is a folder that `python -m assistant.adaptation.reader` wrote. The words of the reader were not trained: they are
those of the embedding model and are read from its file, so both must lie in one folder. Needs onnx, not torch.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from tokenizers import Tokenizer

from knowledge.models import export
from knowledge.models.graph import Array, Graph, Inputs, build, outlier_channels, read_safetensors

GRAPH = "reader"
NAME = f"{GRAPH}.int8.onnx"
SHARED = ("words", "words.steps")  # tensors that the embedding model's file holds


def spans(graph: Graph, x: str) -> onnx.ValueInfoProto:
    """Add the scores of each token as an answer's first and last one: "spans" (float32, (batch, tokens, 2))."""
    scores = graph.node("MatMul", [x, graph.const("out.w", graph.weights["out.weight"].T)], "scores")
    graph.node("Add", [scores, graph.const("out.b", graph.weights["out.bias"])], "spans")
    return helper.make_tensor_value_info("spans", TensorProto.FLOAT, ["batch", "tokens", 2])


def encode(tokenizer: Tokenizer, question: str, text: str) -> Inputs:
    """Return the inputs of the float graph for one pair."""
    encoding = tokenizer.encode(question, text)
    ids, kinds = np.array([encoding.ids], np.int64), np.array([encoding.type_ids], np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": kinds}


def sharing(model: bytes, other: Path) -> bytes:
    """Return `model` with its words left out: read from `other`, in the same folder, where they stand bit for bit."""
    held = other.read_bytes()
    loaded = onnx.load_from_string(model)
    for tensor in loaded.graph.initializer:
        if tensor.name in SHARED:
            offset = held.index(tensor.raw_data)  # ValueError: the words were trained after all
            places = {"location": other.name, "offset": offset, "length": len(tensor.raw_data)}
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in places.items():
                tensor.external_data.add(key=key, value=str(value))
    slim: bytes = loaded.SerializeToString(deterministic=True)
    return slim


def write(weights: dict[str, Array], folder: Path) -> None:
    """Write the reader with `weights` into `folder`, beside the embedding model, and its line of SHA256SUMS.

    Outlier channels are found on the calibration texts.
    """
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = [line for line in (export.HERE / "calibration.txt").read_text("utf-8").splitlines() if line.strip()]
    pairs = [encode(tokenizer, f"What is said of {text.split()[0]}?", text) for text in texts]
    outliers = outlier_channels(lambda watch: build(GRAPH, weights, {}, spans, True, watch), pairs)
    made = sharing(build(GRAPH, weights, outliers, spans, segments=True), folder / export.NAME)
    (folder / NAME).write_bytes(made)
    sums = folder / "SHA256SUMS"
    others = [line for line in sums.read_text("utf-8").splitlines() if not line.endswith(NAME)]
    sums.write_text("\n".join([*others, f"{hashlib.sha256(made).hexdigest()}  {NAME}"]) + "\n", "utf-8")


def main(arguments: list[str]) -> None:
    """Write the reader that ships."""
    write(read_safetensors(Path(arguments[0]) / "model.safetensors"), export.HERE)
    print(f"{NAME}: {(export.HERE / NAME).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
